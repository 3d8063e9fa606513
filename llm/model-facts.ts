/** The last segment of a model's name: routers put the maker in front (`openai/gpt-5`). */
export const bareName = (model: string): string => model.slice(model.lastIndexOf('/') + 1).toLowerCase();

export interface ModelLimits {
  readonly contextWindow: number;
  readonly maxOutputTokens: number;
}

const limits = (contextWindow: number, maxOutputTokens: number): ModelLimits => ({
  contextWindow,
  maxOutputTokens,
});

/** Makers publish these numbers but most listings leave them out. First match wins. */
const FAMILIES: readonly (readonly [RegExp, ModelLimits])[] = [
  [/^gpt-5\.\d/, limits(272_000, 128_000)],
  [/^gpt-5/, limits(272_000, 16_384)],
  [/^gpt-4\.1/, limits(1_047_576, 16_384)],
  [/^gpt-4-turbo/, limits(128_000, 4_096)],
  [/^(gpt-4o|chatgpt-4o|gpt-4\.5)/, limits(128_000, 16_384)],
  [/^gpt-4/, limits(8_192, 4_096)],
  [/^gpt-3\.5/, limits(16_385, 4_096)],
  [/^(o1-mini|o1-preview)/, limits(128_000, 32_768)],
  [/^o[134]/, limits(200_000, 100_000)],
  [/^gpt-oss/, limits(131_072, 16_384)],
  [/^claude-3-(opus|sonnet|haiku)/, limits(200_000, 4_096)],
  [/^claude-3-5/, limits(200_000, 8_192)],
  [/^claude-opus-4-(0|1|2\d{7})/, limits(200_000, 32_000)],
  [/^claude/, limits(200_000, 64_000)],
  [/^gemini-(1|2\.0)/, limits(1_048_576, 8_192)],
  [/^gemini/, limits(1_048_576, 65_536)],
  [/^deepseek/, limits(128_000, 8_192)],
  [/^grok-4/, limits(256_000, 16_384)],
  [/^(grok|llama-?(3\.[1-9]|4)|qwen-?3|mistral-(large|medium|small))/, limits(131_072, 16_384)],
];

const DEFAULT_LIMITS = limits(128_000, 16_384);

/** Window and output limit of a model: what its listing said, else its family's, else 128000 and 16384. */
export function limitsOf(model: string, listed: Partial<ModelLimits> = {}): ModelLimits {
  const family = FAMILIES.find(([name]) => name.test(bareName(model)))?.[1];
  const contextWindow = listed.contextWindow ?? family?.contextWindow ?? DEFAULT_LIMITS.contextWindow;
  const output = listed.maxOutputTokens ?? family?.maxOutputTokens ?? DEFAULT_LIMITS.maxOutputTokens;
  // A small local window must keep room for the prompt, or every request is refused.
  const maxOutputTokens =
    contextWindow < 2 * output ? Math.min(output, Math.floor(contextWindow / 4)) : output;
  return { contextWindow, maxOutputTokens };
}

const REASONING = [
  /^gpt-5(?!.*-chat)/,
  /^o[134](-|$)/,
  /^gpt-oss/,
  /^claude-(3-7|(opus|sonnet|haiku|fable|mythos)-\d)/,
  /^gemini-(2\.5-(pro|flash(?!-(lite|image)))|[3-9])/,
  /^deepseek-(r1|reasoner|v3\.[1-9])/,
  /^grok-(3-mini|4)/,
  /^(qwq|qwen-?3|magistral|kimi-k2-thinking)/,
];

/** Whether the model thinks before it answers, judged by its name. */
export const isReasoningModel = (model: string): boolean =>
  REASONING.some((name) => name.test(bareName(model)));

/** OpenAI's models that are called through the Responses API, as Letta does. */
export const usesResponsesApi = (model: string): boolean => /^(gpt-5|o[134](-|$))/.test(bareName(model));

const EFFORTS = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;
export type ReasoningEffort = (typeof EFFORTS)[number];

const ACCEPTED_EFFORTS: readonly (readonly [RegExp, readonly ReasoningEffort[]])[] = [
  [/^o[134]/, ['low', 'medium', 'high']],
  [/^gpt-5-pro/, ['high']],
  [/^gpt-5(\.1)?-codex-max/, ['low', 'medium', 'high', 'xhigh']],
  [/^gpt-5(\.1)?-codex/, ['low', 'medium', 'high']],
  [/^gpt-5\.\d+-pro/, ['medium', 'high', 'xhigh']],
  [/^gpt-5\.1/, ['none', 'low', 'medium', 'high']],
  [/^gpt-5\.\d+-codex/, ['low', 'medium', 'high', 'xhigh']],
  [/^gpt-5\.\d+/, ['none', 'low', 'medium', 'high', 'xhigh']],
  [/^gpt-5/, ['minimal', 'low', 'medium', 'high']],
];
const USUAL_EFFORTS: readonly ReasoningEffort[] = ['low', 'medium', 'high'];

/**
 * The nearest effort the model accepts: models refuse the others with a 400, while agents keep their setting when
 * their model changes. Undefined for no wish, an unknown word or a model that does not reason.
 */
export function acceptedEffort(model: string, wanted: string | null): ReasoningEffort | undefined {
  const rank = EFFORTS.findIndex((effort) => effort === wanted);
  if (rank < 0 || !isReasoningModel(model)) return undefined;
  const accepted = ACCEPTED_EFFORTS.find(([name]) => name.test(bareName(model)))?.[1] ?? USUAL_EFFORTS;
  const distance = (effort: ReasoningEffort) => Math.abs(EFFORTS.indexOf(effort) - rank);
  return accepted.reduce((best, effort) => (distance(effort) < distance(best) ? effort : best));
}
