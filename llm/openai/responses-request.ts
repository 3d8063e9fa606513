import type {
  FunctionTool,
  ResponseCreateParamsStreaming,
  ResponseFormatTextConfig,
  ResponseInputContent,
  ResponseInputImage,
  ResponseInputItem,
} from 'openai/resources/responses/responses';
import type { ImagePart, ReasoningPart, TextPart, ToolCallPart } from '../../domain/message';
import type { ModelRequest, PromptMessage, ToolSpec } from '../../domain/model';
import { isRecord } from '../is-record';
import { acceptedEffort, bareName, isReasoningModel } from '../model-facts';
import { replayableName } from '../tool-call-replay';
import { imageUrl } from './chat-request';
import { cacheRetention } from './prompt-cache';
import type { OpenAiTarget } from './prompt-cache';
import { strictSchema } from './strict-schema';

type Assistant = Extract<PromptMessage, { role: 'assistant' }>;

/**
 * The Responses API body of a request, with encrypted reasoning. OpenAI stores nothing (`store: false`) but a response
 * that shall go on while nobody listens. Pure and append-only like the chat builder; never a `prompt_cache_key`.
 */
export function buildResponsesRequest(
  request: ModelRequest,
  target: OpenAiTarget,
  isBackground = false,
): ResponseCreateParamsStreaming {
  const { model, settings, tools } = request;
  const reasons = isReasoningModel(model);
  const effort = acceptedEffort(model, settings.reasoningEffort);
  const isGpt5 = bareName(model).startsWith('gpt-5');
  const userField = request.user !== undefined ? { user: request.user } : {};
  const format = toTextFormat(settings.responseFormat);
  const verbosity = isGpt5 && settings.verbosity !== null ? { verbosity: settings.verbosity as 'low' } : {};
  return {
    model,
    input: request.messages.flatMap((message) => toInputItems(message, target)),
    store: isBackground,
    ...(isBackground && { background: true }),
    ...(reasons && {
      include: ['reasoning.encrypted_content' as const],
      reasoning: { ...(effort !== undefined && { effort }), summary: 'detailed' as const },
    }),
    ...(!reasons && settings.temperature !== null && { temperature: settings.temperature }),
    ...(settings.maxOutputTokens !== null && { max_output_tokens: settings.maxOutputTokens }),
    ...((format || 'verbosity' in verbosity) && { text: { ...(format && { format }), ...verbosity } }),
    ...(tools.length > 0 && {
      tools: tools.map((tool) => toFunctionTool(tool, settings.strict)),
      tool_choice: toToolChoice(request.toolChoice),
      // The o-series refuses the field.
      ...(isGpt5 && { parallel_tool_calls: request.parallelToolCalls }),
    }),
    ...userField,
    ...cacheRetention(target, model),
    stream: true,
  };
}

/** The items of one message of the conversation. */
export function toInputItems(message: PromptMessage, target: OpenAiTarget): ResponseInputItem[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'developer', content: message.text }];
    case 'user': {
      const only = message.parts.length === 1 ? message.parts[0] : undefined;
      return [
        { role: 'user', content: only?.type === 'text' ? only.text : message.parts.map(toInputContent) },
      ];
    }
    case 'assistant':
      return toOutputItems(message, target);
    case 'tool':
      return [{ type: 'function_call_output', call_id: message.toolCallId, output: toOutput(message) }];
  }
}

function toOutput({ text, images }: Extract<PromptMessage, { role: 'tool' }>) {
  if (!images) return text;
  return [{ type: 'input_text' as const, text }, ...images.map(toInputImage)];
}

function toInputContent(part: TextPart | ImagePart): ResponseInputContent {
  return part.type === 'text' ? { type: 'input_text', text: part.text } : toInputImage(part);
}

function toInputImage(part: ImagePart): ResponseInputImage {
  return { type: 'input_image', image_url: imageUrl(part), detail: (part.detail ?? 'auto') as 'auto' };
}

/**
 * The reply's items in their original order. Reasoning goes back only with its encrypted content; a reply that lost
 * its reasoning also loses its item ids, because the API ties the two together.
 */
function toOutputItems({ parts }: Assistant, target: OpenAiTarget): ResponseInputItem[] {
  const lostReasoning = parts.some((part) => part.type === 'reasoning' && !isReplayable(part, target));
  const items: ResponseInputItem[] = [];
  for (const part of parts) {
    if (part.type === 'redacted_reasoning') continue;
    const own = part.provider?.name === accountOf(target) && !lostReasoning ? part.provider.data : {};
    const id = typeof own['id'] === 'string' ? own['id'] : undefined;
    if (part.type === 'reasoning') {
      if (id !== undefined && isReplayable(part, target)) items.push(toReasoningItem(id, part));
    } else if (part.type === 'tool_call') items.push(toFunctionCall(part, id));
    else if (id === undefined) items.push({ role: 'assistant', content: part.text });
    else pushMessageContent(items, { id, part, own });
  }
  return items;
}

/** Under which name the parts of a reply keep what only their maker can read. */
export const accountOf = ({ provider, account = provider }: OpenAiTarget): string => account;

const isReplayable = (part: ReasoningPart, target: OpenAiTarget): boolean =>
  part.provider?.name === accountOf(target) &&
  part.signature !== null &&
  typeof part.provider.data['id'] === 'string';

function toReasoningItem(id: string, part: ReasoningPart): ResponseInputItem {
  const summary = summaryTexts(part).map((text) => ({ type: 'summary_text' as const, text }));
  return { type: 'reasoning', id, summary, encrypted_content: part.signature };
}

/** The summary's paragraphs as they came; stored joined by blank lines, with their lengths when there are several. */
function summaryTexts({ text, provider }: ReasoningPart): readonly string[] {
  const lengths = provider?.data['summaryLengths'];
  if (!Array.isArray(lengths)) return text === '' ? [] : [text];
  let start = 0;
  return lengths.map((length) => {
    const paragraph = text.slice(start, start + Number(length));
    start += Number(length) + SUMMARY_SEPARATOR.length;
    return paragraph;
  });
}

/** Stands between the paragraphs of a reasoning summary where they are shown as one text. */
export const SUMMARY_SEPARATOR = '\n\n';

function toFunctionCall(part: ToolCallPart, id: string | undefined): ResponseInputItem {
  const { id: callId, arguments: args } = part;
  return {
    type: 'function_call',
    ...(id !== undefined && { id }),
    call_id: callId,
    name: replayableName(part.name),
    arguments: args,
  };
}

/** Texts of one message item are one item again. */
function pushMessageContent(
  items: ResponseInputItem[],
  { id, part, own }: { id: string; part: TextPart; own: Readonly<Record<string, unknown>> },
): void {
  const content =
    own['refusal'] === true
      ? { type: 'refusal' as const, refusal: part.text }
      : { type: 'output_text' as const, text: part.text, annotations: [] };
  const last = items.at(-1);
  if (last && 'content' in last && 'id' in last && last.id === id && last.type === 'message') {
    (last.content as unknown[]).push(content); // The item was made two lines below with a content array.
    return;
  }
  const phase = typeof own['phase'] === 'string' ? { phase: own['phase'] as 'commentary' } : {};
  items.push({ type: 'message', id, role: 'assistant', status: 'completed', content: [content], ...phase });
}

function toFunctionTool(tool: ToolSpec, strict: boolean): FunctionTool {
  const { name, description } = tool;
  const closed = strict ? strictSchema(tool.parameters) : null;
  // This API is strict unless told otherwise.
  return {
    type: 'function',
    name,
    description,
    parameters: closed ?? { ...tool.parameters },
    strict: closed !== null,
  };
}

function toToolChoice(choice: ModelRequest['toolChoice']): ResponseCreateParamsStreaming['tool_choice'] {
  return typeof choice === 'string' ? choice : { type: 'function', name: choice.name };
}

/** Chat's `{ type, json_schema: { name, schema } }` is flat here. */
function toTextFormat(format: Readonly<Record<string, unknown>> | null): ResponseFormatTextConfig | null {
  if (format === null) return null;
  const nested = format['json_schema'];
  if (format['type'] === 'json_schema' && isRecord(nested)) {
    return { name: 'reply', schema: {}, ...nested, type: 'json_schema' };
  }
  return { type: format['type'] as 'text' }; // Validated by the API when the agent was stored.
}
