import { z } from 'zod';
import { DEFAULT_CONTEXT_WINDOW, type AgentType, isJsonObject, type JsonObject } from '../../domain/agent';
import { COMPACTION_MODES } from '../../domain/compaction';
import { AppError } from '../../domain/errors';
import type { ModelInfo } from '../../domain/model';
import { DEFAULT_COMPACTION_PROMPT } from '../../domain/system-prompt';
import { int32, jsonObject, withoutNulls } from './fields';
import { toModelConfig } from './model';

// Letta describes an agent's model twice: `llm_config` (from which the server works) and `model_settings`, whose form
// depends on the provider. Both are kept as documents, and every change is written to both.

const positive = int32.min(1);
const responseFormat = z.looseObject({ type: z.enum(['text', 'json_schema', 'json_object']) }).nullish();

/** The settings of every provider in one schema: fields are checked, whatever else the client sends is kept. */
const ModelSettingsBody = z.looseObject({
  provider_type: z.string().nullish(),
  temperature: z.number().nullish(),
  max_output_tokens: positive.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  strict: z.boolean().nullish(),
  background: z.boolean().nullish(),
  response_format: responseFormat,
  response_schema: responseFormat,
  reasoning: z.looseObject({ reasoning_effort: z.string().nullish() }).nullish(),
  thinking: z.looseObject({ type: z.string().nullish(), budget_tokens: int32.nullish() }).nullish(),
  thinking_config: z
    .looseObject({ include_thoughts: z.boolean().nullish(), thinking_budget: int32.nullish() })
    .nullish(),
  effort: z.string().nullish(),
  verbosity: z.string().nullish(),
});
type ModelSettingsBody = z.infer<typeof ModelSettingsBody>;

const LlmConfigBody = z.looseObject({
  model: z.string(),
  handle: z.string().nullish(),
  model_endpoint_type: z.string().nullish(),
  context_window: positive.nullish(),
  temperature: z.number().nullish(),
  max_tokens: positive.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  reasoning_effort: z.string().nullish(),
  max_reasoning_tokens: int32.nullish(),
  frequency_penalty: z.number().nullish(),
});

/** Compaction settings as clients give them; what is missing keeps its value. */
export const compactionFields = z.looseObject({
  model: z.string().nullish(),
  model_settings: jsonObject.nullish(),
  prompt: z.string().nullish(),
  prompt_acknowledgement: z.boolean().nullish(),
  clip_chars: int32.nullish(),
  mode: z.enum(COMPACTION_MODES).nullish(),
  sliding_window_percentage: z.number().min(0).max(1).nullish(),
});

/** The fields about the model that creating and updating an agent share. */
export const modelFields = {
  model: z.string().nullish(),
  model_settings: ModelSettingsBody.nullish(),
  llm_config: LlmConfigBody.nullish(),
  context_window_limit: positive.nullish(),
  max_tokens: positive.nullish(),
  max_reasoning_tokens: int32.nullish(),
  enable_reasoner: z.boolean().nullish(),
  reasoning: z.boolean().nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: responseFormat,
  compaction_settings: compactionFields.nullish(),
};
const ModelFields = z.object(modelFields);
export type ModelFields = z.infer<typeof ModelFields>;

/** The handle a request names, in `model` or in the older `llm_config`; null when it names none. */
export function requestedHandle({ model, llm_config: config }: ModelFields): string | null {
  if (typeof model === 'string') return model;
  if (!config) return null;
  return config.handle ?? `${config.model_endpoint_type ?? 'openai'}/${config.model}`;
}

/** Whether a request changes how the model is called. */
export const changesModel = (body: ModelFields): boolean =>
  Object.keys(withoutNulls(ModelFields.omit({ compaction_settings: true }).parse(body))).length > 0;

/** The documents that describe the model of an agent. */
export interface ModelDocuments {
  readonly llmConfig: JsonObject;
  readonly modelSettings: JsonObject;
  readonly responseFormat: JsonObject | null;
}

// As in the original, a Claude that can think does so unless it is told not to.
const DEFAULT_THINKING_BUDGET = 1024;
const thinksOnBudget = (model: ModelInfo): boolean => model.isReasoning && model.providerType === 'anthropic';

/** The documents of an agent on this model that nobody has configured yet. */
export function defaultModelDocuments(model: ModelInfo, agentType: AgentType): ModelDocuments {
  const isConversational = agentType === 'letta_v1_agent';
  const llmConfig = {
    ...toModelConfig(model),
    display_name: null,
    provider_name: model.providerName,
    handle: model.handle,
    context_window: Math.min(model.contextWindow, DEFAULT_CONTEXT_WINDOW),
    put_inner_thoughts_in_kwargs: !isConversational,
    enable_reasoner: !isConversational || model.isReasoning,
    ...(thinksOnBudget(model) && { max_reasoning_tokens: DEFAULT_THINKING_BUDGET }),
  };
  return { llmConfig, modelSettings: toModelSettings(llmConfig, {}), responseFormat: null };
}

/**
 * The documents after a request. A change of model starts again from that model's defaults; only what is not about the
 * model itself (parallel calls, response format) goes with the agent.
 */
export function changedModelDocuments(
  current: ModelDocuments,
  body: ModelFields,
  { model, agentType }: { readonly model: ModelInfo; readonly agentType: AgentType },
): ModelDocuments {
  const isSameModel = current.llmConfig['handle'] === model.handle;
  const base = isSameModel ? current : carriedOver(current, defaultModelDocuments(model, agentType));
  checkContextWindow(body.context_window_limit, model);
  const changes = requestedChanges(body, model);
  const llmConfig = { ...base.llmConfig, ...changes };
  const given = { ...withoutNulls(body.model_settings ?? {}), ...explicitParallelism(changes) };
  const format = llmConfig['response_format'];
  return {
    llmConfig,
    modelSettings: {
      ...base.modelSettings,
      ...toModelSettings(llmConfig, { ...base.modelSettings, ...given }),
    },
    responseFormat: isJsonObject(format) ? format : null,
  };
}

function carriedOver(from: ModelDocuments, to: ModelDocuments): ModelDocuments {
  const { parallel_tool_calls: parallel, response_format: format } = from.llmConfig;
  return {
    llmConfig: { ...to.llmConfig, parallel_tool_calls: parallel, response_format: format },
    modelSettings: { ...to.modelSettings, parallel_tool_calls: from.modelSettings['parallel_tool_calls'] },
    responseFormat: from.responseFormat,
  };
}

const explicitParallelism = ({ parallel_tool_calls: parallel }: JsonObject): JsonObject =>
  parallel === undefined ? {} : { parallel_tool_calls: parallel };

/** What a request asks of `llm_config`, the oldest way of asking first: later ones win. */
function requestedChanges(body: ModelFields, model: ModelInfo): JsonObject {
  const { model_settings: settings, llm_config: config } = body;
  return {
    ...(config && withoutNulls(generationFields(config, model))),
    ...withoutNulls({
      max_tokens: body.max_tokens,
      max_reasoning_tokens: body.max_reasoning_tokens,
      enable_reasoner: body.enable_reasoner ?? body.reasoning,
      parallel_tool_calls: body.parallel_tool_calls,
      response_format: body.response_format,
      context_window: body.context_window_limit,
    }),
    ...(settings && fromModelSettings(settings)),
  };
}

// Where a model is reached is the server's business: of a client's llm_config only these fields count.
const GENERATION_FIELDS = [
  'context_window', 'temperature', 'max_tokens', 'enable_reasoner', 'reasoning_effort', 'max_reasoning_tokens',
  'effort', 'frequency_penalty', 'verbosity', 'parallel_tool_calls', 'response_format', 'strict',
  'put_inner_thoughts_in_kwargs', 'background',
]; // prettier-ignore

// A configuration that was written down for another server may know a larger model of this name.
const generationFields = (config: z.infer<typeof LlmConfigBody>, model: ModelInfo): JsonObject => ({
  ...Object.fromEntries(GENERATION_FIELDS.map((field) => [field, config[field]])),
  context_window: config.context_window ? Math.min(config.context_window, model.contextWindow) : null,
});

function fromModelSettings(settings: ModelSettingsBody): JsonObject {
  const { thinking, thinking_config: gemini, response_schema: schema, reasoning } = settings;
  const clearsFormat = settings.response_format === null || schema === null;
  return {
    ...(clearsFormat && { response_format: null }),
    ...withoutNulls({
      temperature: settings.temperature,
      max_tokens: settings.max_output_tokens,
      parallel_tool_calls: settings.parallel_tool_calls,
      strict: settings.strict,
      background: settings.background,
      response_format: settings.response_format ?? schema,
      reasoning_effort: reasoning?.reasoning_effort,
      effort: settings.effort,
      verbosity: settings.verbosity,
      enable_reasoner: thinking?.type ? thinking.type === 'enabled' : gemini?.include_thoughts,
      max_reasoning_tokens:
        thinking?.type === 'disabled' ? 0 : (thinking?.budget_tokens ?? gemini?.thinking_budget),
    }),
  };
}

function checkContextWindow(wanted: number | null | undefined, model: ModelInfo): void {
  if (!wanted || wanted <= model.contextWindow) return;
  throw new AppError(
    'INVALID_ARGUMENT',
    `INVALID_ARGUMENT: Context window limit (${wanted}) is greater than maximum of (${model.contextWindow}) for ${model.handle}`,
  );
}

/** `model_settings` in the form of the model's provider; what the client gave wins over what is derived. */
function toModelSettings(config: JsonObject, given: JsonObject): JsonObject {
  const shared = {
    max_output_tokens: config['max_tokens'],
    parallel_tool_calls: given['parallel_tool_calls'] ?? true,
    provider_type: config['model_endpoint_type'],
    temperature: config['temperature'],
  };
  const format = config['response_format'] ?? null;
  switch (config['model_endpoint_type']) {
    case 'openai': {
      const reasoning = { reasoning_effort: config['reasoning_effort'] ?? 'minimal' };
      return { ...given, ...shared, reasoning, response_format: format, strict: config['strict'] };
    }
    case 'anthropic': {
      const budget = config['max_reasoning_tokens'];
      const isThinking = config['enable_reasoner'] === true && typeof budget === 'number' && budget > 0;
      const thinking = {
        type: isThinking ? 'enabled' : 'disabled',
        budget_tokens: isThinking ? budget : 1024,
      };
      const { verbosity, effort, strict } = config;
      return { ...given, ...shared, thinking, response_format: format, verbosity, effort, strict };
    }
    case 'google_ai':
    case 'google_vertex': {
      const budget = config['max_reasoning_tokens'] || 1024;
      const thoughts = { include_thoughts: config['enable_reasoner'] === true, thinking_budget: budget };
      return { ...given, ...shared, thinking_config: thoughts, response_schema: format };
    }
    default:
      return { ...given, ...shared, response_format: format };
  }
}

const SUMMARIZERS: Readonly<Record<string, string>> = {
  openai: 'gpt-5-mini',
  anthropic: 'claude-haiku-4-5',
  google_ai: 'gemini-2.5-flash',
};

/** The light model of the same provider that Letta summarizes with; null where there is none. */
export function preferredSummarizer({ providerType, providerName }: ModelInfo): string | null {
  const name = SUMMARIZERS[providerType];
  return name === undefined ? null : `${providerName}/${name}`;
}

/** Compaction as it is stored: what the client asked for over what it is by default. */
export function compactionDocument(
  summarizer: string,
  body: ModelFields['compaction_settings'],
  current?: JsonObject,
): JsonObject {
  const defaults = {
    model: summarizer,
    model_settings: null,
    prompt: DEFAULT_COMPACTION_PROMPT,
    prompt_acknowledgement: false,
    clip_chars: 50_000,
    mode: 'sliding_window',
    sliding_window_percentage: 0.3,
  };
  return { ...defaults, ...current, ...withoutNulls(body ?? {}) };
}
