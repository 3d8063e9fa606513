import { z } from 'zod';
import type { ImagePart, TextPart } from '../../domain/message';
import type { InputMessage, TurnRequest } from '../../domain/turn-request';
import { newId } from '../../new-id';
import { int32 } from './fields';
import { WIRE_MESSAGE_TYPES } from './message-types';
import { unprocessable } from './validation';

const TextContent = z.object({ type: z.literal('text'), text: z.string() });
const ImageContent = z.object({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.object({ type: z.literal('url'), url: z.string() }),
    z.object({
      type: z.literal('base64'),
      media_type: z.string(),
      data: z.string(),
      detail: z.string().nullish(),
    }),
  ]),
});
const Content = z.union([z.string(), z.array(z.discriminatedUnion('type', [TextContent, ImageContent]))]);
type Content = z.infer<typeof Content>;

const MessageCreate = z.object({
  type: z.literal('message').nullish(),
  role: z.enum(['user', 'system', 'assistant']),
  content: Content,
  name: z.string().nullish(),
  otid: z.string().nullish(),
  sender_id: z.string().nullish(),
});

const requestFields = {
  messages: z.array(MessageCreate).nullish(),
  input: Content.nullish(),
  max_steps: int32.min(1).default(50),
  use_assistant_message: z.boolean().default(true),
  assistant_message_tool_name: z.string().default('send_message'),
  assistant_message_tool_kwarg: z.string().default('message'),
  include_return_message_types: z.array(z.enum(WIRE_MESSAGE_TYPES)).nullish(),
  override_model: z.string().nullish(),
  override_system: z.string().nullish(),
  system: z.string().nullish(),
};
const hasOneInput = (body: { messages?: unknown; input?: unknown }, context: z.RefinementCtx): void => {
  const hasMessages = body.messages !== null && body.messages !== undefined;
  const hasInput = body.input !== null && body.input !== undefined;
  if (hasMessages && hasInput) {
    context.addIssue({
      code: 'custom',
      message: "Cannot specify both 'input' and 'messages'. Use one or the other.",
    });
  }
  if (!hasMessages && !hasInput) {
    context.addIssue({ code: 'custom', message: "Must specify either 'input' or 'messages'." });
  }
};

/** Body of `POST messages` and `messages/stream`. */
export const SendMessageBody = z
  .object({
    ...requestFields,
    streaming: z.boolean().default(false),
    stream_tokens: z.boolean().default(false),
    include_pings: z.boolean().default(true),
    background: z.boolean().default(false),
  })
  .superRefine(hasOneInput);
export type SendMessageBody = z.output<typeof SendMessageBody>;

/** Body of `POST messages/async`. */
export const SendMessageAsyncBody = z
  .object({ ...requestFields, callback_url: z.string().nullish() })
  .superRefine(hasOneInput);
export type SendMessageAsyncBody = z.output<typeof SendMessageAsyncBody>;

type RequestBody = Omit<SendMessageAsyncBody, 'callback_url'>;

/** The request as it is stored on the run, with an id for each message. */
export function toTurnRequest(body: RequestBody): TurnRequest {
  const messages = body.messages ?? [{ role: 'user' as const, content: body.input ?? '' }];
  if (messages.length === 0) throw unprocessable('Messages must not be empty');
  return {
    messages: messages.map(toInputMessage),
    overrideModel: body.override_model ?? null,
    overrideSystem: body.override_system ?? body.system ?? null,
  };
}

function toInputMessage(message: z.output<typeof MessageCreate>): InputMessage {
  const id = newId('message');
  return {
    id,
    role: message.role,
    parts: toParts(message.content),
    name: message.name ?? null,
    otid: message.otid ?? newId('message').slice('message-'.length),
    senderId: message.sender_id ?? null,
  };
}

function toParts(content: Content): readonly (TextPart | ImagePart)[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return content.map((part) => {
    if (part.type === 'text') return { type: 'text', text: part.text };
    if (part.source.type === 'url') return { type: 'image', source: part.source };
    const { media_type: mediaType, data, detail } = part.source;
    return { type: 'image', source: { type: 'base64', mediaType, data }, ...(detail && { detail }) };
  });
}

/** What Letta keeps of a request's options on the run. */
export const toRequestConfig = (body: RequestBody): Readonly<Record<string, unknown>> => ({
  use_assistant_message: body.use_assistant_message,
  assistant_message_tool_name: body.assistant_message_tool_name,
  assistant_message_tool_kwarg: body.assistant_message_tool_kwarg,
  include_return_message_types: body.include_return_message_types ?? null,
});

/** Options that only make sense for a stream are refused without one. */
export function checkStreamOptions(body: SendMessageBody): void {
  if (body.streaming) return;
  const wrong = [
    body.background && 'background can only be true when streaming=true',
    body.stream_tokens && 'stream_tokens can only be true when streaming=true',
    !body.include_pings && 'include_pings can only be set to false when streaming=true',
  ].find((problem) => problem !== false);
  if (wrong === undefined) return;
  throw unprocessable(
    `Streaming options set without streaming enabled. ${wrong}. ` +
      'Either set streaming=true or use default values for streaming options.',
  );
}

export const CancelBody = z.object({ run_ids: z.array(z.string()).nullish() });
export const RunStreamBody = z.object({
  starting_after: z.int().min(0).default(0),
  include_pings: z.boolean().nullish(),
});
