import type { MemoryTransaction } from './ports';
import type { RunError, RunEvent } from './run-event';
import type { Tool, ToolOutcome, ToolProbed } from './tool';
import type {
  AnsweredApproval,
  CloseRunInput,
  SettleKey,
  StepKey,
  StepOutcome,
  ToolDone,
  ToolKey,
  ToolSettled,
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
  /** Shows deltas to watchers before the reply is stored. Batches of an attempt are numbered from 1. */
  appendDeltas(step: OpenedStep, events: readonly RunEvent[], batch: number): Promise<void>;
  /** Keeps the id of a response that goes on while nobody listens, for the attempt after this one. */
  beginResponse(step: OpenedStep, responseId: string): Promise<void>;
  /** Forgets a response that is gone, and tells watchers that what they saw of it is void. */
  loseResponse(step: OpenedStep): Promise<void>;
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
  /** Keeps what an attempt brings that must not close its call: for whoever gives the verdict, or for the operator. */
  keepLateResult(tool: OpenedTool, outcome: ToolOutcome): Promise<void>;
  /**
   * Closes a call whose activity failed for good: `unknown` if it may have acted. A lost `once` call whose tool has a
   * probe is left as it is until the probe was asked.
   */
  settleTool(key: SettleKey, hasProbe?: (tool: Tool) => boolean): Promise<ToolSettled>;
  /** A call that was claimed and lost, to be probed; or what it came to meanwhile. Claims nothing. */
  openLostTool(key: ToolKey): Promise<{ readonly done: ToolDone } | { readonly opened: OpenedTool }>;
  /** Stores what a probe found: the result, or that the call may be run once more. */
  saveProbe(tool: OpenedTool, probed: ToolProbed): Promise<ToolSettled>;

  /** Takes the answers of the run to the calls that wait: denied ones are closed, allowed ones are returned. */
  answerApproval(runId: string): Promise<AnsweredApproval>;
  /**
   * Answers a request for approval that nobody answered in time, as a run of its own. Null when nothing waits any more;
   * a repeat returns the same run until it is over.
   */
  expireApproval(messageId: string): Promise<TurnInput | null>;

  /** Ends a run that did not end by itself. Repeating it changes nothing. */
  closeRun(input: CloseRunInput): Promise<TurnEnd>;
  /** The oldest message that waits in the conversation. */
  findNextTurn(conversationId: string): Promise<TurnInput | null>;
}
