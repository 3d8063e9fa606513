import type { ApprovalExpiry } from './approval';
import type { CompactionTrigger } from './compaction';
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
  /** The run only makes the context smaller, on a client's word. */
  readonly isCompaction?: true;
  /** The step to go on with; above 0 only after a continue-as-new in the middle of a long turn. */
  readonly step?: number;
}

/** What ended the turn, and the turn that waits behind it, found in the same transaction. */
export interface TurnEnd {
  readonly stopReason: StopReason;
  readonly next: TurnInput | null;
  /** The turn ended in a request for approval that is answered without a human after a while. */
  readonly expiry?: { readonly messageId: string; readonly afterSeconds: number };
  /** The conversation of the agent whose call this turn answers, if that one waits. */
  readonly caller?: string;
  /** The turn of a sleeper that this one has woken: nobody waits for it. */
  readonly wake?: TurnInput;
}

/** A turn that is to be told to stop. */
export type StoppedTurn = Pick<TurnInput, 'runId' | 'conversationId'>;

/** A tool call as the workflow sees it: enough to choose timeouts and retries, nothing of its content. */
export interface PlannedCall {
  readonly index: number;
  readonly name: string;
  readonly effects: ToolEffects;
  /** Calls that may run beside their neighbours. */
  readonly parallel: boolean;
  /** Why the call is answered without running it, e.g. a tool rule. Stays in Postgres (`forWorkflow`). */
  readonly refusal?: string;
  /** The call runs only after an answer. */
  readonly waits?: boolean;
  /** The client runs it; the server never does. */
  readonly isClient?: boolean;
  readonly expiry?: ApprovalExpiry;
  /** The call is a message to other agents, whose answers may take as long as their turns. */
  readonly asksAgents?: boolean;
}

export type StepOutcome =
  | {
      readonly end: TurnEnd;
      readonly calls?: undefined;
      readonly compact?: undefined;
      readonly isFull?: undefined;
    }
  | {
      readonly end?: undefined;
      readonly calls: readonly PlannedCall[];
      readonly compact?: undefined;
      /** The context is to be made smaller once the calls are done. */
      readonly isFull?: true;
    }
  | {
      readonly end?: undefined;
      readonly calls?: undefined;
      /** The context is to be made smaller: before the model is asked, or before the turn ends. */
      readonly compact: CompactionTrigger;
      /** How the turn ends then. Stays in Postgres (`forWorkflow`). */
      readonly held?: StopReason;
    };

export interface StepKey {
  readonly runId: string;
  readonly step: number;
}
export interface ModelKey extends StepKey {
  /** The context is as small as it gets: the model is asked whatever its size, and its word on it is the last. */
  readonly asIs?: true;
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
/** Input of the workflow that answers an approval request when its time has come. */
export interface ExpiryInput {
  readonly messageId: string;
  readonly conversationId: string;
  readonly afterSeconds: number;
}
export interface SettleKey extends ToolKey {
  /** Why the activity failed. */
  readonly code: string;
  /** The tool's probe was asked already, and did not know. */
  readonly isProbed?: boolean;
  /** The call had a second chance already, because its first attempt never began. */
  readonly isAgain?: boolean;
}
/**
 * `probe`: nothing was settled, the tool's probe is to be asked first; `again`: the call may run again, because it did not
 * act: its probe found that, or it was never claimed.
 */
export interface ToolSettled extends ToolDone {
  readonly probe?: true;
  readonly again?: true;
  readonly isUnknown?: true;
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
export function forWorkflow(outcome: StepOutcome): StepOutcome {
  if (outcome.compact) return { compact: outcome.compact };
  if (outcome.end) return { end: outcome.end };
  return {
    calls: callsForWorkflow(outcome.calls),
    ...(outcome.isFull === true && { isFull: true as const }),
  };
}

/** Calls as Temporal may see them. */
export const callsForWorkflow = (calls: readonly PlannedCall[]): readonly PlannedCall[] =>
  calls.map(({ index, name, effects, parallel, asksAgents }) => ({
    index,
    name,
    effects,
    parallel,
    ...(asksAgents && { asksAgents }),
  }));

/** The id of the workflow that waits for an approval request to expire. */
export const expiryWorkflowId = (messageId: string): string => `approval/${messageId}`;
