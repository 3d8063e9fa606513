import type { MemoryTransaction } from './ports';
import type { Tool, ToolEffects, ToolOutcome } from './tool';
import type { ToolArguments } from './tool-arguments';

/** Name of the workflow that runs a tool by hand. It is stored in histories: it never changes. */
export const TOOL_RUN_WORKFLOW = 'toolRun';

/** A call that a client makes outside of a turn. Its arguments and its outcome stay in Postgres. */
export interface ToolRunInput {
  readonly id: string;
  readonly effects: ToolEffects;
}

export interface OpenedToolRun {
  readonly id: string;
  readonly agentId: string;
  readonly tool: Tool;
  readonly args: ToolArguments;
  readonly secrets: Readonly<Record<string, string>>;
  /** An earlier attempt got as far as starting the tool. */
  readonly wasClaimed: boolean;
}

/** The durable state of calls by hand. */
export interface ToolRunStore {
  /** Claims the call; null if it is finished already, or gone with its agent. */
  open(id: string): Promise<OpenedToolRun | null>;
  /** Stores the outcome once; a second one changes nothing. */
  finish(id: string, outcome: ToolOutcome): Promise<void>;
  /** The tool's edits and its outcome in one transaction. */
  runTransactional(
    run: OpenedToolRun,
    work: (memory: MemoryTransaction) => Promise<ToolOutcome>,
  ): Promise<void>;
}
