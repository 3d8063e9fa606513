import type { MemoryTransaction } from './ports';
import type { SourceTool } from './source-tool';
import type { Tool, ToolCallContext, ToolEffects, ToolOutcome } from './tool';
import type { ToolArguments } from './tool-arguments';

/** Name of the workflow that runs a tool by hand. It is stored in histories: it never changes. */
export const TOOL_RUN_WORKFLOW = 'toolRun';

/** A call that a client makes outside of a turn. Its arguments and its outcome stay in Postgres. */
export interface ToolRunInput {
  readonly id: string;
  readonly effects: ToolEffects;
}

/** What its activity is asked for: a first attempt by id, the verdict on a `once` call whose attempt failed with `code`. */
export type ToolRunKey = string | { readonly id: string; readonly code: string };

export interface OpenedToolRun {
  readonly id: string;
  readonly agentId: string;
  /** Null outside of a thread. */
  readonly conversationId: string | null;
  /** What the tool is told of the call: its own, or, where an operator repeats a call of the ledger, of that one. */
  readonly call: Pick<ToolCallContext, 'runId' | 'stepId' | 'toolCallId' | 'idempotencyKey'>;
  readonly effects: ToolEffects;
  readonly tool: Tool;
  readonly isTrial?: false;
  readonly args: ToolArguments;
  readonly secrets: Readonly<Record<string, string>>;
  /** An earlier attempt got as far as starting the tool. */
  readonly wasClaimed: boolean;
}

/** A source, or a tool of an MCP server. */
export type TriedTool = SourceTool & Partial<Pick<Tool, 'toolType'>>;

/** A call without an agent. */
export interface OpenedTrial {
  readonly id: string;
  readonly isTrial: true;
  readonly tool: TriedTool;
  readonly args: ToolArguments;
  /** What the code finds in its environment. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly effects: ToolEffects;
  readonly wasClaimed: boolean;
}

/** Nothing of a source that is tried may be repeated, whatever it says of itself. */
export const trialEffects = ({ toolType, effects = 'once' }: TriedTool): ToolEffects =>
  toolType === 'external_mcp' ? effects : 'once';

/** The durable state of calls by hand. */
export interface ToolRunStore {
  /**
   * Claims the call; null if it is finished already, or gone with its agent. `lostBy` is the code of the attempt before:
   * UNAVAILABLE while the worker lives that Temporal lost sight of.
   */
  open(id: string, lostBy?: string): Promise<OpenedToolRun | OpenedTrial | null>;
  /** Stores the outcome once; a second one changes nothing. A repeated call of the ledger is settled with it. */
  finish(id: string, outcome: ToolOutcome): Promise<void>;
  /** Stores that the outcome can't be known: the call was lost, or its tool is gone. */
  giveUp(id: string, outcome: ToolOutcome, options?: { readonly isUnknown: boolean }): Promise<void>;
  /**
   * The next call that undoes something of the run, stored before it is returned; a repeat returns the same one. Null when
   * nothing is left to do, or when the last one did not succeed.
   */
  nextUndo(runId: string): Promise<ToolRunInput | null>;
  /** The tool's edits and its outcome in one transaction. */
  runTransactional(
    run: OpenedToolRun,
    work: (memory: MemoryTransaction) => Promise<ToolOutcome>,
  ): Promise<void>;
}
