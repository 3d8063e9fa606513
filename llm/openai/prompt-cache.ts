/** An endpoint that speaks one of OpenAI's dialects. */
export interface OpenAiTarget {
  /** The kind of provider: `openai`, `openrouter`, `ollama`, … */
  readonly provider: string;
  /** Whose key is used: what OpenAI has encrypted for one is never sent with another's. The kind alone if not given. */
  readonly account?: string;
  readonly baseUrl: string;
}

/**
 * Whether OpenAI keeps this model's prompt prefix for 24 hours on request: `gpt-4.1`, and every `gpt-5…` except
 * `gpt-5-mini` itself. Only provider `openai` (a proxy in front of it included), never OpenRouter.
 */
export function supportsExtendedPromptCacheRetention(
  { provider, baseUrl }: OpenAiTarget,
  model: string,
): boolean {
  if (provider !== 'openai' || isOpenRouter(baseUrl)) return false;
  const name = model.slice(model.indexOf('/') + 1);
  return name === 'gpt-4.1' || (name.startsWith('gpt-5') && name !== 'gpt-5-mini');
}

const isOpenRouter = (baseUrl: string): boolean =>
  URL.canParse(baseUrl) && /(^|\.)openrouter\.ai$/.test(new URL(baseUrl).hostname);

/** The request field that asks for it; nothing for other models. There is never a `prompt_cache_key`. */
export const cacheRetention = (
  target: OpenAiTarget,
  model: string,
): { readonly prompt_cache_retention?: '24h' } =>
  supportsExtendedPromptCacheRetention(target, model) ? { prompt_cache_retention: '24h' } : {};
