import type { CompactionTrigger } from './compaction';
import type { EffectResolution } from './effect';
import type { MultitaskStrategy } from './inbox';
import type { ToolReturnStatus } from './message';
import type { StopReason } from './run';

/**
 * What a watcher of a run sees, one event per frame. Events are numbered per run from 2 (frame 1 is the opening
 * ping, which needs no row). `message` events point at a stored message and the fragment of it to show.
 */
export type RunEvent =
  | { readonly type: 'text-delta'; readonly messageId: string; readonly stepId: string; readonly index: number; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly messageId: string; readonly stepId: string; readonly index: number; readonly text: string }
  | {
      readonly type: 'tool-call-delta';
      readonly messageId: string;
      readonly stepId: string;
      readonly index: number;
      readonly callId: string;
      readonly name?: string;
      readonly arguments?: string;
      /** Deltas of a call that waits for approval are shown as approval requests. */
      readonly approval?: boolean;
    }
  | { readonly type: 'message'; readonly messageId: string; readonly fragment: number }
  /** Everything from frame `fromSeq` on belongs to an attempt that died; clients discard it. */
  | { readonly type: 'rewind'; readonly fromSeq: number; readonly stepId: string }
  /** A call whose outcome was unknown is settled; `status` is that of its result. Comes before the end of the run. */
  | { readonly type: 'effect-resolved'; readonly key: string; readonly toolCallId: string; readonly messageId: string; readonly resolution: EffectResolution; readonly status: ToolReturnStatus }
  /** The context is about to be summarized; only for requests that want to hear of it. */
  | { readonly type: 'compaction'; readonly messageId: string; readonly ofStep: string; readonly trigger: CompactionTrigger; readonly contextTokens: number | null; readonly contextWindow: number | null }
  /** The messages of the run are read now; `joinedRunId` is the turn in progress that reads them, if it is another's. */
  | {
      readonly type: 'receipt';
      readonly messages: readonly { readonly id: string; readonly otid: string | null }[];
      readonly strategy: MultitaskStrategy;
      readonly seenAtStep: number;
      readonly joinedRunId?: string;
    }
  | { readonly type: 'run-end'; readonly stopReason: StopReason; readonly error?: RunError }; // prettier-ignore

/** Why a run failed, in Letta's words (`error_message` frames and `metadata.error`). */
export interface RunError {
  readonly code: string;
  readonly errorType: string;
  readonly message: string;
  readonly detail: string;
}
