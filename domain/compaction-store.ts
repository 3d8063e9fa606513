import type { CompactDone, CompactionSettings, CompactionTrigger, CompactKey } from './compaction';
import type { CompactionStats, Message } from './message';
import type { ModelSettings, ToolSpec } from './model';
import type { RunError } from './run-event';
import type { CompactionUsage } from './usage';

/** A compaction claimed by one attempt, with everything a summarizer may need. */
export interface OpenedCompaction {
  readonly key: string;
  readonly runId: string;
  readonly stepId: string;
  /** The attempt of the step that this one made its own. */
  readonly attempt: number;
  readonly agentId: string;
  readonly conversationId: string;
  readonly trigger: CompactionTrigger;
  readonly round: number;
  /** Calls of a summarizer that were begun before, by attempts that died. */
  readonly tries: number;
  readonly settings: CompactionSettings;
  /** The agent's own model, as its turns use it. */
  readonly model: string;
  readonly contextLimit: number | null;
  readonly modelSettings: ModelSettings;
  readonly tools: readonly ToolSpec[];
  readonly context: readonly Message[];
  /** The request wants to hear of compactions. */
  readonly isTold: boolean;
}

/** What a compaction makes of a context. */
export interface CompactionToSave {
  /** Null leaves the context as it is. */
  readonly change: {
    readonly summary: string;
    /** Messages that the summary stands for. */
    readonly droppedIds: readonly string[];
    readonly stats: CompactionStats;
  } | null;
}

/** The context's durable state. Writes of a superseded attempt change nothing and throw `SUPERSEDED`. */
export interface CompactionStore {
  /** Claims a compaction for this attempt, or returns what it came to already. */
  open(key: CompactKey): Promise<{ readonly done: CompactDone } | { readonly opened: OpenedCompaction }>;
  /** Counts a call of a summarizer before it is made, so that no crash lets one more happen. */
  countTry(compaction: OpenedCompaction): Promise<void>;
  /** Adds what a summarizer's answer cost, or why there was none. */
  noteTry(
    compaction: OpenedCompaction,
    tried: { readonly usage?: CompactionUsage; readonly error?: string },
  ): Promise<void>;
  /** Puts the summary into the context in one transaction; ends the run if its turn only waited for this. */
  save(compaction: OpenedCompaction, saved: CompactionToSave): Promise<CompactDone>;
  /** Keeps why a compaction that a client asked for failed, for the run's error. */
  saveError(compaction: OpenedCompaction, error: RunError): Promise<void>;
  /** The tokens that the provider counted last in a thread's context, up to which message; null if none counts any more. */
  reported(conversationId: string): Promise<{ readonly messageId: string; readonly tokens: number } | null>;
}
