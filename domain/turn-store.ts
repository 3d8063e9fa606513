import type { MemoryTransaction } from './ports';
import type { RunError, RunEvent } from './run-event';
import type { ToolOutcome } from './tool';
import type {
  AnsweredApproval,
  CloseRunInput,
  StepKey,
  StepOutcome,
  ToolDone,
  ToolKey,
  TurnEnd,
  TurnInput,
} from './turn';
import type { OpenedStep, OpenedTool, ReplyToSave } from './turn-state';

/**
 * The turn's durable state. Every write names the attempt it belongs to; a write of a superseded attempt changes
 * nothing and throws `SUPERSEDED`.
 */
export interface TurnStore {
  /** Claims the step for this attempt and loads what the model will read, or returns the outcome already stored. */
  openStep(key: StepKey): Promise<{ readonly stored: StepOutcome } | { readonly opened: OpenedStep }>;
  /** Shows deltas to watchers before the reply is stored. */
  appendDeltas(step: OpenedStep, events: readonly RunEvent[]): Promise<void>;
  /** Stores the reply, the input it answers and the step in one transaction; closes the run if the turn ends here. */
  saveReply(step: OpenedStep, reply: ReplyToSave): Promise<StepOutcome>;
  /** Keeps the failure of an attempt on its step, for operators and for the run's error. */
  saveStepError(step: OpenedStep, error: RunError): Promise<void>;

  /** Claims a tool call in the ledger, or returns what it already came to. */
  openTool(key: ToolKey): Promise<{ readonly done: ToolDone } | { readonly opened: OpenedTool }>;
  /** Stores the result of a claimed call; the last result of a step seals it and may end the turn. */
  saveToolResult(tool: OpenedTool, outcome: ToolOutcome): Promise<ToolDone>;
  /** Runs a transactional tool: its edits, its ledger row and its result are one transaction. */
  runTransactionalTool(
    tool: OpenedTool,
    run: (memory: MemoryTransaction) => Promise<ToolOutcome>,
  ): Promise<ToolDone>;
  /** Closes a call whose activity failed for good: `unknown` if it may have acted. */
  settleTool(key: ToolKey & { readonly code: string }): Promise<ToolDone>;

  /** Takes the answers of the run to the calls that wait: denied ones are closed, allowed ones are returned. */
  answerApproval(runId: string): Promise<AnsweredApproval>;

  /** Ends a run that did not end by itself. Repeating it changes nothing. */
  closeRun(input: CloseRunInput): Promise<TurnEnd>;
  /** The oldest message that waits in the conversation. */
  findNextTurn(conversationId: string): Promise<TurnInput | null>;
}
