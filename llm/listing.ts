import { APICallError } from '@ai-sdk/provider';
import { z } from 'zod';
import type { ModelInfo } from '../domain/model';
import { isReasoningModel, limitsOf } from './model-facts';
import { publicAddress } from './providers';
import type { Provider } from './providers';

/** Asks a provider which chat models it offers. Any failure is thrown as it comes: the caller keeps its last answer. */
export async function fetchListing(provider: Provider, timeoutMs: number): Promise<readonly ModelInfo[]> {
  const { baseUrl, apiKey } = provider;
  const signal = AbortSignal.timeout(timeoutMs);
  const get = async (path: string, headers: Readonly<Record<string, string>>): Promise<unknown> => {
    const response = await fetch(baseUrl + path, { headers, signal });
    if (!response.ok) throw await refused(response, path);
    return response.json();
  };
  switch (provider.dialect) {
    case 'openai':
      return readOpenAiListing(
        provider,
        await get('/models', apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
      );
    case 'anthropic': {
      const headers = { 'x-api-key': apiKey ?? '', 'anthropic-version': '2023-06-01' };
      return readAnthropicListing(provider, await get('/models?limit=1000', headers));
    }
    case 'google':
      return readGoogleListing(
        provider,
        await get('/models?pageSize=1000', { 'x-goog-api-key': apiKey ?? '' }),
      );
  }
}

/** A refusal as the SDKs of the providers tell it. */
const refused = async (response: Response, path: string): Promise<APICallError> =>
  new APICallError({
    message: `GET ${path} answered ${response.status}`,
    url: path,
    requestBodyValues: {},
    statusCode: response.status,
    responseHeaders: Object.fromEntries(response.headers),
    responseBody: await response.text(),
  });

/** What is known of a model: its name, what its listing says, and the table for the rest. */
export function describeModel(provider: Provider, name: string, listed: Listed = {}): ModelInfo {
  return {
    handle: `${provider.name}/${name}`,
    name,
    displayName: listed.displayName ?? name,
    providerName: provider.name,
    providerType: provider.type,
    providerCategory: provider.category,
    endpoint: publicAddress(provider.baseUrl),
    ...limitsOf(name, {
      ...(listed.contextWindow && { contextWindow: listed.contextWindow }),
      ...(listed.maxOutputTokens && { maxOutputTokens: listed.maxOutputTokens }),
    }),
    isReasoning: listed.isReasoning ?? isReasoningModel(name),
  };
}

export interface Listed {
  readonly displayName?: string;
  readonly contextWindow?: number | null;
  readonly maxOutputTokens?: number | null;
  readonly isReasoning?: boolean;
}

const size = z.number().int().positive().nullish().catch(null);

/** OpenAI's list and the fields its imitators add: OpenRouter, vLLM, Groq, Together. */
const OpenAiModel = z.object({
  id: z.string().min(1),
  type: z.string().nullish().catch(null),
  context_length: size,
  context_window: size,
  max_model_len: size,
  max_completion_tokens: size,
  top_provider: z.object({ max_completion_tokens: size }).nullish().catch(null),
  architecture: z
    .object({ output_modalities: z.array(z.string()).nullish() })
    .nullish()
    .catch(null),
});
type OpenAiModel = z.infer<typeof OpenAiModel>;
const OpenAiListing = z.union([
  z.object({ data: z.array(z.unknown()) }).transform(({ data }) => data),
  z.array(z.unknown()), // Together answers with the bare list.
  z.object({ data: z.null() }).transform(() => []), // Ollama without any model.
]);

/** The chat models of an OpenAI-style list, in its order; entries of another shape are skipped. */
function readOpenAiListing(provider: Provider, body: unknown): readonly ModelInfo[] {
  return OpenAiListing.parse(body).flatMap((entry): ModelInfo[] => {
    const { data: model } = OpenAiModel.safeParse(entry);
    if (!model || !isChatModel(provider, model)) return [];
    const listed = {
      contextWindow: model.context_length ?? model.context_window ?? model.max_model_len,
      maxOutputTokens: model.top_provider?.max_completion_tokens ?? model.max_completion_tokens,
    };
    return [describeModel(provider, model.id, listed)];
  });
}

const NOT_CHAT =
  /embed|whisper|(^|[-/])tts|tts(-|$)|dall-e|moderation|transcribe|realtime|(^|[-/])audio|-audio|image|(^|[-/])sora|davinci|babbage|turbo-instruct|-search-|deep-research|computer-use|codex-mini|rerank/i;
const OPENAI_CHAT = /^(gpt-|chatgpt-|o\d|ft:)/;

function isChatModel({ type, isOriginal }: Provider, model: OpenAiModel): boolean {
  const outputs = model.architecture?.output_modalities;
  if (outputs) return outputs.includes('text');
  if (
    model.type &&
    ['embedding', 'image', 'audio', 'moderation', 'rerank', 'transcribe'].includes(model.type)
  )
    return false;
  if (NOT_CHAT.test(model.id)) return false;
  return type !== 'openai' || !isOriginal || OPENAI_CHAT.test(model.id);
}

const AnthropicListing = z.object({
  data: z.array(
    z.object({
      id: z.string().min(1),
      display_name: z.string().optional(),
      max_input_tokens: size,
      max_tokens: size,
    }),
  ),
});

/** Every model of Anthropic's list can chat. */
function readAnthropicListing(provider: Provider, body: unknown): readonly ModelInfo[] {
  return AnthropicListing.parse(body).data.map((model) =>
    describeModel(provider, model.id, {
      contextWindow: model.max_input_tokens,
      maxOutputTokens: model.max_tokens,
      ...(model.display_name !== undefined && { displayName: model.display_name }),
    }),
  );
}

const GoogleListing = z.object({
  models: z
    .array(
      z.object({
        name: z.string().min(1),
        displayName: z.string().optional(),
        inputTokenLimit: size,
        outputTokenLimit: size,
        supportedGenerationMethods: z.array(z.string()).default([]),
        thinking: z.boolean().optional(),
      }),
    )
    .default([]),
});

/** The models of Gemini's list that generate text, without the `models/` in front of their names. */
function readGoogleListing(provider: Provider, body: unknown): readonly ModelInfo[] {
  return GoogleListing.parse(body)
    .models.filter((model) => model.supportedGenerationMethods.includes('generateContent'))
    .filter((model) => !NOT_CHAT.test(model.name))
    .map((model) =>
      describeModel(provider, model.name.replace(/^models\//, ''), {
        contextWindow: model.inputTokenLimit,
        maxOutputTokens: model.outputTokenLimit,
        ...(model.displayName !== undefined && { displayName: model.displayName }),
        ...(model.thinking !== undefined && { isReasoning: model.thinking }),
      }),
    );
}
