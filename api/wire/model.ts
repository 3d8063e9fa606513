import { z } from 'zod';
import type { EmbeddingModelInfo, ModelInfo } from '../../domain/model';
import { queryList, queryText } from './query';

/** The part of a model's description that an agent's `llm_config` has too. */
export const toModelConfig = (model: ModelInfo) => ({
  model: model.name,
  model_endpoint_type: model.providerType,
  model_endpoint: model.endpoint,
  provider_category: model.providerCategory,
  model_wrapper: null,
  context_window: model.contextWindow,
  put_inner_thoughts_in_kwargs: false,
  temperature: 1,
  max_tokens: model.maxOutputTokens,
  enable_reasoner: true,
  reasoning_effort: null,
  max_reasoning_tokens: 0,
  effort: null,
  frequency_penalty: null,
  compatibility_type: null,
  verbosity: model.name.startsWith('gpt-5') ? 'medium' : null,
  tier: null,
  parallel_tool_calls: false,
  response_format: null,
  strict: false,
  return_logprobs: false,
  top_logprobs: null,
  return_token_ids: false,
  tool_call_parser: null,
});

/** An entry of `/v1/models/`. */
export const toWireModel = (model: ModelInfo) => ({
  handle: model.handle,
  name: model.name,
  display_name: model.displayName,
  provider_type: model.providerType,
  provider_name: model.providerName,
  model_type: 'llm',
  ...toModelConfig(model),
  max_context_window: model.contextWindow,
});

/** An agent's `embedding_config`. */
export const toEmbeddingConfig = (model: EmbeddingModelInfo) => ({
  embedding_endpoint_type: model.providerType,
  embedding_endpoint: model.endpoint,
  embedding_model: model.name,
  embedding_dim: model.dimensions,
  embedding_chunk_size: 300,
  handle: model.handle,
  batch_size: 32,
  azure_endpoint: null,
  azure_version: null,
  azure_deployment: null,
});

/** An entry of `/v1/models/embedding`. */
export const toWireEmbeddingModel = (model: EmbeddingModelInfo) => ({
  handle: model.handle,
  name: model.name,
  display_name: model.name,
  provider_type: model.providerType,
  provider_name: model.providerName,
  model_type: 'embedding',
  embedding_endpoint_type: model.providerType,
  embedding_endpoint: model.endpoint,
  embedding_model: model.name,
  embedding_dim: model.dimensions,
  embedding_chunk_size: 300,
  batch_size: 32,
  azure_endpoint: null,
  azure_version: null,
  azure_deployment: null,
});

export const ListModelsQuery = z.object({
  provider_category: queryList(),
  provider_name: queryText(),
  provider_type: queryText(),
});

/** Whether a model passes the filters of a list. */
export function matchesModelQuery(model: ModelInfo, query: z.output<typeof ListModelsQuery>): boolean {
  return (
    (query.provider_category === undefined || query.provider_category.includes(model.providerCategory)) &&
    (query.provider_name === undefined || query.provider_name === model.providerName) &&
    (query.provider_type === undefined || query.provider_type === model.providerType)
  );
}
