import type { StopReason } from '../../domain/run';
import type { RunUsage } from '../../domain/usage';

/** `usage_statistics`, the last object of an answer and of a stream. */
export const toWireUsage = (usage: RunUsage) => ({
  message_type: 'usage_statistics',
  completion_tokens: usage.completionTokens,
  prompt_tokens: usage.promptTokens,
  total_tokens: usage.totalTokens,
  step_count: usage.stepCount,
  run_ids: usage.runIds ?? null,
  cached_input_tokens: usage.cachedInputTokens,
  cache_write_tokens: usage.cacheWriteTokens,
  reasoning_tokens: usage.reasoningTokens,
  context_tokens: usage.contextTokens,
});

/** `stop_reason`, as it stands in answers and streams. */
export const toWireStopReason = (stopReason: StopReason) => ({
  message_type: 'stop_reason',
  stop_reason: stopReason,
});

/** What `runs.usage.retrieve` answers: OpenAI's shape, not Letta's. */
export const toWireRunUsage = (usage: RunUsage) => ({
  completion_tokens: usage.completionTokens,
  prompt_tokens: usage.promptTokens,
  total_tokens: usage.totalTokens,
  prompt_tokens_details: null,
  completion_tokens_details: null,
});
