import type { AgentCallStore } from '../domain/agent-calls';
import type { CompactionStore } from '../domain/compaction-store';
import type { CountTokens } from '../domain/context-size';
import type { ModelRegistry } from '../domain/model';
import type { ToolLimits } from '../domain/tool-limits';
import type { ReembedStore } from '../domain/reembed';
import type { ToolRunStore } from '../domain/tool-run';
import type { TurnStore } from '../domain/turn-store';
import type { ToolRunner } from '../tools/tool-runner';

/** Everything activities may touch. The worker hands in the real ones. */
export interface ActivityDeps {
  readonly turns: TurnStore;
  readonly compactions: CompactionStore;
  readonly toolRuns: ToolRunStore;
  readonly agentCalls: AgentCallStore;
  readonly reembeds: ReembedStore;
  readonly countTokens: CountTokens;
  readonly models: ModelRegistry;
  readonly tools: ToolRunner;
  readonly cancellations: Cancellations;
  /** Tests shorten them. */
  readonly toolLimits?: ToolLimits;
}

/** Tells an activity at once that its run was cancelled; heartbeats would say so only at their next round trip. */
export interface Cancellations {
  /** Calls `onCancel` when the run is cancelled; returns how to stop listening. */
  watch(runId: string, onCancel: () => void): () => void;
}
