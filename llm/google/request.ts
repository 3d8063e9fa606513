import type { GoogleLanguageModelOptions } from '@ai-sdk/google';
import type { LanguageModelV3CallOptions } from '@ai-sdk/provider';
import type { ModelRequest } from '../../domain/model';
import { toAiSdkFormat, toAiSdkPrompt, toAiSdkSettings } from '../ai-sdk/prompt';
import type { ReplayOptions } from '../ai-sdk/prompt';
import { bareName, isReasoningModel } from '../model-facts';

export const GOOGLE = 'google_ai';

/** The call options of a request to Gemini. Pure and append-only. */
export function buildGoogleRequest(request: ModelRequest): LanguageModelV3CallOptions {
  const { settings, tools } = request;
  const takesLevel = /^gemini-[3-9]/.test(bareName(request.model));
  // Before Gemini 3 JSON output and tools exclude each other; the tools are what an agent can't do without.
  const format = tools.length > 0 && !takesLevel ? null : toAiSdkFormat(settings.responseFormat);
  const options: GoogleLanguageModelOptions = thinkingOf(request, takesLevel);
  return {
    prompt: toAiSdkPrompt(request.messages, replay),
    ...toAiSdkSettings(request),
    ...(settings.frequencyPenalty !== null && { frequencyPenalty: settings.frequencyPenalty }),
    ...(format && { responseFormat: format }),
    providerOptions: { google: { ...options } },
  };
}

/** Gemini signs any part it likes and wants the signature back in the same place. */
const replay: ReplayOptions = (part) => {
  const isOwn = part.provider?.name === GOOGLE;
  if (part.type === 'redacted_reasoning') return undefined;
  if (part.type === 'reasoning') {
    if (!isOwn) return undefined;
    return part.signature === null ? null : { google: { thoughtSignature: part.signature } };
  }
  const signature = isOwn ? part.provider.data['thoughtSignature'] : undefined;
  return typeof signature === 'string' ? { google: { thoughtSignature: signature } } : null;
};

const LEVELS = ['minimal', 'low', 'medium', 'high'] as const;

function thinkingOf({ model, settings }: ModelRequest, takesLevel: boolean): GoogleLanguageModelOptions {
  const budget = settings.maxReasoningTokens ?? 0;
  if (budget <= 0 && !isReasoningModel(model)) return {};
  const level = takesLevel ? LEVELS.find((one) => one === settings.reasoningEffort) : undefined;
  return {
    thinkingConfig: {
      includeThoughts: true,
      ...(level !== undefined && { thinkingLevel: level }),
      ...(budget > 0 && level === undefined && { thinkingBudget: budget }),
    },
  };
}
