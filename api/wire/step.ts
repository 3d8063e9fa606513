import type { Step } from '../../db/steps';
import { DEFAULT_ORG_ID } from '../../domain/ids';
import { nanosecondsBetween, toNanoseconds } from './dates';

/** A step as clients see it. Its messages are listed by a route of their own. */
export const toWireStep = (step: Step) => ({
  id: step.id,
  origin: null,
  organization_id: DEFAULT_ORG_ID,
  provider_id: null,
  run_id: step.runId,
  agent_id: step.agentId,
  provider_name: step.providerName,
  provider_category: step.providerCategory ?? 'base',
  model: step.model,
  model_handle: step.modelHandle,
  model_endpoint: step.modelEndpoint,
  context_window_limit: step.contextWindowLimit,
  completion_tokens: step.completionTokens,
  prompt_tokens: step.promptTokens,
  total_tokens: step.totalTokens,
  cached_input_tokens: step.cachedInputTokens,
  cache_write_tokens: step.cacheWriteTokens,
  reasoning_tokens: step.reasoningTokens,
  completion_tokens_details:
    step.totalTokens === null ? null : { reasoning_tokens: step.reasoningTokens ?? 0 },
  prompt_tokens_details: step.totalTokens === null ? null : promptDetails(step),
  // Everturn's own: the share of the prompt that a provider's cache can have, byte for byte.
  ...(step.promptPrefixShare !== null && { prompt_prefix_share: step.promptPrefixShare }),
  stop_reason: step.stopReason,
  tags: step.tags,
  tid: null,
  trace_id: null,
  request_id: null,
  messages: [],
  feedback: step.feedback,
  project_id: null,
  error_type: step.error ? (step.error['errorType'] ?? step.error['code'] ?? null) : null,
  error_data: step.error,
  status: step.status,
});

const promptDetails = ({ cachedInputTokens, cacheWriteTokens }: Step) => ({
  cached_tokens: cachedInputTokens ?? 0,
  cache_read_tokens: cachedInputTokens ?? 0,
  cache_creation_tokens: cacheWriteTokens ?? 0,
});

/** Step timings as clients see them, in nanoseconds. */
export const toWireStepMetrics = (step: Step) => ({
  id: step.id,
  organization_id: DEFAULT_ORG_ID,
  provider_id: null,
  run_id: step.runId,
  agent_id: step.agentId,
  step_start_ns: toNanoseconds(step.startedAt),
  llm_request_start_ns: null,
  llm_request_ns: step.llmNs,
  tool_execution_ns: step.toolsNs,
  step_ns: nanosecondsBetween(step.startedAt, step.completedAt),
  // Providers report no usage of a stream that broke: four characters count as one token.
  lost_attempts: step.lostAttempts,
  lost_completion_tokens_estimated: step.lostCompletionTokens,
  base_template_id: null,
  template_id: null,
  project_id: null,
});
