import type {
  ChatCompletionAssistantMessageParam,
  ChatCompletionContentPart,
  ChatCompletionCreateParamsStreaming,
  ChatCompletionFunctionTool,
  ChatCompletionMessageFunctionToolCall,
  ChatCompletionMessageParam,
  ChatCompletionToolChoiceOption,
} from 'openai/resources/chat/completions';
import type { ImagePart, TextPart } from '../../domain/message';
import type { ModelRequest, PromptMessage, ToolSpec } from '../../domain/model';
import { acceptedEffort, bareName, usesResponsesApi } from '../model-facts';
import { replayableArguments, replayableName } from '../tool-call-replay';
import { cacheRetention } from './prompt-cache';
import type { OpenAiTarget } from './prompt-cache';
import { replayedReasoning } from './reasoning-details';
import { strictSchema } from './strict-schema';

type Assistant = Extract<PromptMessage, { role: 'assistant' }>;
type User = Extract<PromptMessage, { role: 'user' }>;

/**
 * The Chat Completions body of a request: a pure function, so the same conversation gives the same bytes and a longer
 * one starts with the bytes of the shorter one (prefix caches live on that). There is never a `prompt_cache_key`.
 */
export function buildChatRequest(
  request: ModelRequest,
  target: OpenAiTarget,
): ChatCompletionCreateParamsStreaming {
  const { model, settings, tools } = request;
  const isOpenAi = target.provider === 'openai';
  const effort = acceptedEffort(model, settings.reasoningEffort);
  const isGpt5 = bareName(model).startsWith('gpt-5');
  const userField = isOpenAi && request.user !== undefined ? { user: request.user } : {};
  return {
    model,
    messages: request.messages.flatMap((_message, index) => toChatMessages(request.messages, index, target)),
    ...(settings.maxOutputTokens !== null && {
      // Local servers know only the older name of this limit.
      [isOpenAi ? 'max_completion_tokens' : 'max_tokens']: settings.maxOutputTokens,
    }),
    ...(settings.temperature !== null && !usesResponsesApi(model) && { temperature: settings.temperature }),
    ...(settings.frequencyPenalty !== null && { frequency_penalty: settings.frequencyPenalty }),
    ...(effort !== undefined && { reasoning_effort: effort }),
    ...(settings.verbosity !== null && isGpt5 && { verbosity: settings.verbosity as 'low' }),
    ...(settings.responseFormat !== null && {
      // The agent stores OpenAI's own shape; the API validated its type.
      response_format:
        settings.responseFormat as unknown as ChatCompletionCreateParamsStreaming['response_format'],
    }),
    ...(tools.length > 0 && {
      tools: tools.map((tool) => toChatTool(tool, settings.strict)),
      tool_choice: toToolChoice(request.toolChoice),
      parallel_tool_calls: request.parallelToolCalls,
    }),
    ...userField,
    ...cacheRetention(target, model),
    stream: true,
    stream_options: { include_usage: true },
  };
}

/** What one message of the conversation is here: nothing at all for a reply that was only reasoning. */
export function toChatMessages(
  messages: readonly PromptMessage[],
  index: number,
  target: OpenAiTarget,
): ChatCompletionMessageParam[] {
  const own = messages.slice(index, index + 1).flatMap((message) => toOwnMessages(message, target));
  return [...own, ...imagesOfResults(messages, index)];
}

function toOwnMessages(message: PromptMessage, target: OpenAiTarget): ChatCompletionMessageParam[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: message.text }];
    case 'user':
      return [toUserMessage(message, target)];
    case 'assistant':
      return toAssistantMessage(message, target);
    case 'tool':
      return [{ role: 'tool', tool_call_id: message.toolCallId, content: message.text }];
  }
}

/**
 * What results show, for this API takes only text in them: a user's message after the last of neighbouring results, which
 * may have nothing in between.
 */
function imagesOfResults(messages: readonly PromptMessage[], index: number): ChatCompletionMessageParam[] {
  if (messages[index]?.role !== 'tool' || messages[index + 1]?.role === 'tool') return [];
  const first = messages.slice(0, index).findLastIndex(({ role }) => role !== 'tool') + 1;
  const content = messages.slice(first, index + 1).flatMap((message) => {
    if (message.role !== 'tool' || !message.images) return [];
    const text = `What the tool ${message.name} returned with call ${message.toolCallId}:`;
    return [{ type: 'text' as const, text }, ...message.images.map(toContentPart)];
  });
  return content.length > 0 ? [{ role: 'user', content }] : [];
}

function toUserMessage({ parts, name }: User, target: OpenAiTarget): ChatCompletionMessageParam {
  const only = parts.length === 1 ? parts[0] : undefined;
  const content = only?.type === 'text' ? only.text : parts.map(toContentPart);
  const hasName = name !== undefined && target.provider === 'openai' && /^[a-zA-Z0-9_-]{1,64}$/.test(name);
  return { role: 'user', content, ...(hasName && { name }) };
}

function toContentPart(part: TextPart | ImagePart): ChatCompletionContentPart {
  if (part.type === 'text') return { type: 'text', text: part.text };
  const detail = part.detail as 'auto' | undefined; // A word of the provider; it refuses the ones it doesn't know.
  return { type: 'image_url', image_url: { url: imageUrl(part), ...(detail !== undefined && { detail }) } };
}

/** The picture as a URL: its own, or its data inline. */
export function imageUrl({ source }: ImagePart): string {
  return source.type === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`;
}

/** One message with text and calls; nothing at all for a reply that was only reasoning. */
function toAssistantMessage(
  { parts }: Assistant,
  target: OpenAiTarget,
): ChatCompletionAssistantMessageParam[] {
  const texts = parts.filter((part) => part.type === 'text').map((part) => part.text);
  const calls = parts.filter((part) => part.type === 'tool_call');
  if (texts.length === 0 && calls.length === 0) return [];
  const toolCalls = calls.map((call): ChatCompletionMessageFunctionToolCall => ({
    id: call.id,
    type: 'function',
    function: { name: replayableName(call.name), arguments: toArguments(call.arguments, target) },
  }));
  return [
    {
      role: 'assistant',
      content: texts.length > 0 ? texts.join('\n\n') : null,
      ...replayedReasoning(parts, target.provider),
      ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
    },
  ];
}

/** OpenAI takes the model's own string back; other servers parse it and fail on malformed JSON. */
function toArguments(raw: string, { provider }: OpenAiTarget): string {
  if (provider === 'openai') return raw;
  return isJsonObject(raw) ? raw : JSON.stringify(replayableArguments(raw));
}

const isJsonObject = (raw: string): boolean =>
  !('malformed_arguments' in replayableArguments(raw)) && raw.trim() !== '';

function toChatTool(tool: ToolSpec, strict: boolean): ChatCompletionFunctionTool {
  const { name, description } = tool;
  const closed = strict ? strictSchema(tool.parameters) : null;
  if (closed) return { type: 'function', function: { name, description, parameters: closed, strict: true } };
  return { type: 'function', function: { name, description, parameters: { ...tool.parameters } } };
}

function toToolChoice(choice: ModelRequest['toolChoice']): ChatCompletionToolChoiceOption {
  return typeof choice === 'string' ? choice : { type: 'function', function: { name: choice.name } };
}
