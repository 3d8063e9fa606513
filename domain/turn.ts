import type { StopReason } from './run';
import type { ToolEffects } from './tool';

// What crosses Temporal: ids, names, counts and decisions. Never message text.

/** Name of the workflow type. It is stored in histories: it never changes. */
export const TURN_WORKFLOW = 'agentTurn';

/** Input of one turn. The first message of a conversation starts a workflow; waiting ones follow by continue-as-new. */
export interface TurnInput {
  readonly runId: string;
  readonly agentId: string;
  readonly conversationId: string;
  /** The run answers an approval request: its first act is to settle the calls that wait. */
  readonly isAnswer?: boolean;
  /** The step to go on with; above 0 only after a continue-as-new in the middle of a long turn. */
  readonly step?: number;
}

/** What ended the turn, and the turn that waits behind it, found in the same transaction. */
export interface TurnEnd {
  readonly stopReason: StopReason;
  readonly next: TurnInput | null;
}

/** A tool call as the workflow sees it: enough to choose timeouts and retries, nothing of its content. */
export interface PlannedCall {
  readonly index: number;
  readonly name: string;
  readonly effects: ToolEffects;
  /** Calls that may run beside their neighbours. */
  readonly parallel: boolean;
  /** Why the call is answered without running it, e.g. a tool rule. Stays in Postgres (`forWorkflow`). */
  readonly refusal?: string;
}

export type StepOutcome =
  | { readonly end: TurnEnd; readonly calls?: undefined }
  | { readonly end?: undefined; readonly calls: readonly PlannedCall[] };

export interface StepKey {
  readonly runId: string;
  readonly step: number;
}
export interface ToolKey extends StepKey {
  readonly index: number;
  /** The run whose step made the call, where an approval has handed it to another run. */
  readonly askedBy?: string;
}
/** The calls a human allowed, and the step that asked for them; or the end, when nothing waits any more. */
export type AnsweredApproval =
  | { readonly end: TurnEnd; readonly calls?: undefined }
  | {
      readonly end?: undefined;
      readonly calls: readonly PlannedCall[];
      readonly askedBy: string;
      readonly step: number;
    };
/** `end` is set by the call that completed the step when the turn stops there (max_steps, an exit_loop tool). */
export interface ToolDone {
  readonly end?: TurnEnd;
}
export interface CloseRunInput {
  readonly runId: string;
  readonly conversationId: string;
  readonly stopReason: StopReason;
  readonly code?: string;
}

/** How often a model is asked for one step before its failure ends the turn. */
export const MODEL_ATTEMPTS = 6;

/** The id that is the lock: one turn at a time in a conversation. An agent's own thread has the agent's id. */
export const turnWorkflowId = (conversationId: string): string =>
  conversationId.startsWith('agent-') ? `agent/${conversationId}` : `conv/${conversationId}`;

/** The outcome as Temporal may see it: without texts. */
export const forWorkflow = (outcome: StepOutcome): StepOutcome =>
  outcome.calls ? { calls: outcome.calls.map(({ refusal: _, ...call }) => call) } : outcome;
