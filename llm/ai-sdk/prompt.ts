import type {
  LanguageModelV3CallOptions,
  LanguageModelV3FunctionTool,
  LanguageModelV3Message,
  LanguageModelV3Prompt,
  LanguageModelV3ToolResultPart,
} from '@ai-sdk/provider';
import type { ImagePart, TextPart } from '../../domain/message';
import type { ModelRequest, PromptMessage } from '../../domain/model';
import { replayableArguments, replayableName } from '../tool-call-replay';

type Assistant = Extract<PromptMessage, { role: 'assistant' }>;
export type AssistantPart = Assistant['parts'][number];
type AssistantContent = Extract<LanguageModelV3Message, { role: 'assistant' }>['content'][number];
type ToolResultContent = Extract<
  LanguageModelV3ToolResultPart['output'],
  { type: 'content' }
>['value'][number];
type UserContent = Extract<LanguageModelV3Message, { role: 'user' }>['content'][number];

/** What a provider wants back with a part it made; undefined drops a reasoning part, null adds nothing. */
export type ReplayOptions = (part: AssistantPart) => AssistantContent['providerOptions'] | null | undefined;

/** The conversation in the AI SDK's provider-neutral form. Pure: the same messages give the same prompt. */
export function toAiSdkPrompt(
  messages: readonly PromptMessage[],
  replay: ReplayOptions,
): LanguageModelV3Prompt {
  return messages.flatMap((message, index): LanguageModelV3Message[] => {
    switch (message.role) {
      case 'system':
        return [index === 0 ? { role: 'system', content: message.text } : toSystemEvent(message.text)];
      case 'user':
        return [{ role: 'user', content: toUserContent(message.parts) }];
      case 'assistant': {
        const content = message.parts.flatMap((part) => toAssistantContent(part, replay));
        return content.length > 0 ? [{ role: 'assistant', content }] : [];
      }
      case 'tool':
        return [{ role: 'tool', content: [toToolResult(message)] }];
    }
  });
}

// A client may send messages of the role `system`, which these providers take at the beginning only.
function toSystemEvent(text: string): LanguageModelV3Message {
  return { role: 'user', content: [{ type: 'text', text: `<system_message>\n${text}\n</system_message>` }] };
}

/** These providers refuse blank text blocks, and a user may well send one. */
function toUserContent(parts: readonly (TextPart | ImagePart)[]): UserContent[] {
  const content = parts.flatMap((part): UserContent[] => {
    if (part.type === 'image') return [toFile(part)];
    return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text }];
  });
  return content.length > 0 ? content : [{ type: 'text', text: '(empty message)' }];
}

function toFile({ source }: ImagePart): UserContent {
  if (source.type === 'base64') return { type: 'file', mediaType: source.mediaType, data: source.data };
  return { type: 'file', mediaType: 'image/*', data: new URL(source.url) };
}

function toAssistantContent(part: AssistantPart, replay: ReplayOptions): AssistantContent[] {
  const options = replay(part);
  const providerOptions = options ? { providerOptions: options } : {};
  switch (part.type) {
    case 'text':
      return part.text.trim() === '' ? [] : [{ type: 'text', text: part.text, ...providerOptions }];
    case 'reasoning':
      return options === undefined ? [] : [{ type: 'reasoning', text: part.text, ...providerOptions }];
    case 'redacted_reasoning':
      return options === undefined ? [] : [{ type: 'reasoning', text: '', ...providerOptions }];
    case 'tool_call': {
      const { id: toolCallId, name, arguments: args } = part;
      const input = replayableArguments(args);
      return [{ type: 'tool-call', toolCallId, toolName: replayableName(name), input, ...providerOptions }];
    }
  }
}

function toToolResult(message: Extract<PromptMessage, { role: 'tool' }>): LanguageModelV3ToolResultPart {
  const { toolCallId, name, text, images } = message;
  return {
    type: 'tool-result',
    toolCallId,
    toolName: replayableName(name),
    output: images
      ? { type: 'content', value: [{ type: 'text', text }, ...images.map(toImage)] }
      : { type: 'text', value: text },
  };
}

function toImage({ source }: ImagePart): ToolResultContent {
  if (source.type === 'url') return { type: 'image-url', url: source.url };
  return { type: 'image-data', mediaType: source.mediaType, data: source.data };
}

/** The parts of a request that both providers spell alike. */
export function toAiSdkSettings({
  settings,
  tools,
  toolChoice,
}: ModelRequest): Partial<LanguageModelV3CallOptions> {
  return {
    ...(settings.maxOutputTokens !== null && { maxOutputTokens: settings.maxOutputTokens }),
    ...(settings.temperature !== null && { temperature: settings.temperature }),
    ...(tools.length > 0 && {
      tools: tools.map((tool): LanguageModelV3FunctionTool => ({
        type: 'function',
        name: tool.name,
        description: tool.description,
        inputSchema: tool.parameters,
      })),
      toolChoice:
        typeof toolChoice === 'string'
          ? { type: toolChoice }
          : { type: 'tool' as const, toolName: toolChoice.name },
    }),
  };
}

/** Letta's `{ type: 'json_schema', json_schema: { name, schema } }`; null when plain text is wanted. */
export function toAiSdkFormat(
  format: ModelRequest['settings']['responseFormat'],
): LanguageModelV3CallOptions['responseFormat'] | null {
  if (format === null || format['type'] === 'text') return null;
  const nested = format['json_schema'] as { readonly name?: string; readonly schema?: object } | undefined; // Checked by the API.
  return {
    type: 'json',
    ...(nested?.schema !== undefined && { schema: nested.schema }),
    ...(nested?.name !== undefined && { name: nested.name }),
  };
}
