import type { AnthropicLanguageModelOptions } from '@ai-sdk/anthropic';
import type { LanguageModelV3CallOptions } from '@ai-sdk/provider';
import type { ModelRequest, PromptMessage } from '../../domain/model';
import { toAiSdkFormat, toAiSdkPrompt, toAiSdkSettings } from '../ai-sdk/prompt';
import type { ReplayOptions } from '../ai-sdk/prompt';
import { bareName } from '../model-facts';

export const ANTHROPIC = 'anthropic';

/** The call options of a request to Claude. Pure and append-only; the cache breakpoint moves along by itself. */
export function buildAnthropicRequest(request: ModelRequest): LanguageModelV3CallOptions {
  const format = toAiSdkFormat(request.settings.responseFormat);
  const effort = effortOf(request);
  const options = {
    cacheControl: { type: 'ephemeral' },
    disableParallelToolUse: !request.parallelToolCalls,
    ...thinkingOf(request),
    ...(effort !== undefined && { effort }),
  } satisfies AnthropicLanguageModelOptions;
  return {
    prompt: toAiSdkPrompt(request.messages, replay),
    ...toAiSdkSettings(request),
    ...(format && { responseFormat: format }),
    providerOptions: { anthropic: options },
  };
}

/** Thinking goes back only to Claude, and only signed: the API refuses anything else. */
const replay: ReplayOptions = (part) => {
  const isOwn = part.provider?.name === ANTHROPIC;
  if (part.type === 'reasoning') {
    return isOwn && part.signature !== null ? { anthropic: { signature: part.signature } } : undefined;
  }
  if (part.type === 'redacted_reasoning')
    return isOwn ? { anthropic: { redactedData: part.data } } : undefined;
  return null;
};

/** Models from 4.7 on decide themselves how long to think and take no budget. */
const ADAPTIVE = /^claude-[a-z]+-(4-[7-9]|[5-9])/;

function thinkingOf(request: ModelRequest) {
  const budget = request.settings.maxReasoningTokens ?? 0;
  if (budget <= 0 || !mayThink(request)) return {};
  if (ADAPTIVE.test(bareName(request.model)))
    return { thinking: { type: 'adaptive' as const, display: 'summarized' as const } };
  return { thinking: { type: 'enabled' as const, budgetTokens: Math.max(1024, budget) } };
}

/**
 * The API refuses thinking together with a forced tool, and when the tool loop in progress was begun without it
 * (by another model, or before thinking was switched on).
 */
function mayThink({ toolChoice, messages }: ModelRequest): boolean {
  if (toolChoice === 'required' || typeof toolChoice === 'object') return false;
  const before = messages.filter((message) => message.role !== 'tool').at(-1);
  return before?.role !== 'assistant' || startsWithThinking(before);
}

function startsWithThinking({ parts }: Extract<PromptMessage, { role: 'assistant' }>): boolean {
  const first = parts[0];
  return (
    first !== undefined && first.type !== 'text' && first.type !== 'tool_call' && replay(first) !== undefined
  );
}

const EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;
const TAKES_EFFORT = /^claude-(opus-4-[5-9]|sonnet-4-[6-9]|[a-z]+-[5-9])/;

function effortOf({ model, settings }: ModelRequest): (typeof EFFORTS)[number] | undefined {
  if (!TAKES_EFFORT.test(bareName(model))) return undefined;
  return EFFORTS.find((effort) => effort === settings.reasoningEffort);
}
