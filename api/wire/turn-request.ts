import { z } from 'zod';
import { MULTITASK_STRATEGIES } from '../../domain/inbox';
import type { ImagePart, TextPart } from '../../domain/message';
import { textOf } from '../../domain/prompt';
import {
  EVERY_CALL,
  type ApprovalAnswer,
  type ClientTool,
  type InputMessage,
  type TurnRequest,
} from '../../domain/turn-request';
import { newId } from '../../new-id';
import { jsonObject, laxBoolean, laxInteger } from './fields';
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

const ApprovalReturn = z.object({
  type: z.literal('approval').nullish(),
  tool_call_id: z.string(),
  approve: z.boolean(),
  reason: z.string().nullish(),
  /** Our own: what the call runs with in place of the model's arguments. */
  arguments: z.union([jsonObject, z.string()]).nullish(),
});
const ToolReturn = z.object({
  type: z.literal('tool'),
  tool_call_id: z.string(),
  tool_return: Content,
  status: z.enum(['success', 'error']),
  stdout: z.array(z.string()).nullish(),
  stderr: z.array(z.string()).nullish(),
});
const ApprovalCreate = z.object({
  type: z.literal('approval'),
  approvals: z.array(z.union([ToolReturn, ApprovalReturn])).nullish(),
  approve: z.boolean().nullish(),
  approval_request_id: z.string().nullish(),
  reason: z.string().nullish(),
});
const ToolReturnCreate = z.object({ type: z.literal('tool_return'), tool_returns: z.array(ToolReturn) });
type ApprovalCreate = z.output<typeof ApprovalCreate>;

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
/** Letta's rule for messages that do not say their type: fields of an approval make it one. */
const withType = (message: unknown): unknown =>
  isObject(message) && !('type' in message) && ('approve' in message || 'approval_request_id' in message)
    ? { ...message, type: 'approval' }
    : message;
const AnyMessage = z.preprocess(withType, z.union([MessageCreate, ApprovalCreate, ToolReturnCreate]));

export const requestFields = {
  messages: z.array(AnyMessage).nullish(),
  input: Content.nullish(),
  max_steps: laxInteger().default(50),
  use_assistant_message: laxBoolean.default(true),
  assistant_message_tool_name: z.string().default('send_message'),
  assistant_message_tool_kwarg: z.string().default('message'),
  include_return_message_types: z.array(z.enum(WIRE_MESSAGE_TYPES)).nullish(),
  override_model: z.string().nullish(),
  override_system: z.string().nullish(),
  system: z.string().nullish(),
  client_tools: z
    .array(
      z.object({
        name: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, {
          error: 'A tool name has 1 to 64 letters, digits, underscores and hyphens',
        }),
        description: z.string().nullish(),
        parameters: jsonObject.nullish(),
      }),
    )
    .nullish(),
  /** Our own: what becomes of the message if it meets a turn in progress. */
  multitask_strategy: z.enum(MULTITASK_STRATEGIES).nullish(),
  client_skills: z
    .array(z.object({ name: z.string(), description: z.string(), location: z.string() }))
    .nullish(),
  include_compaction_messages: laxBoolean.default(false),
};
export const hasOneInput = (
  body: { messages?: unknown; input?: unknown },
  context: z.RefinementCtx,
): void => {
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
    streaming: laxBoolean.default(false),
    stream_tokens: laxBoolean.default(false),
    include_pings: laxBoolean.default(true),
    background: laxBoolean.default(false),
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
  const all = body.messages ?? [{ role: 'user' as const, content: body.input ?? '' }];
  if (all.length === 0) throw unprocessable('Messages must not be empty');
  const messages = all.filter((message) => 'role' in message);
  const approvals = all.flatMap((message) => ('role' in message ? [] : toAnswers(message)));
  return {
    messages: messages.map(toInputMessage),
    approvals: messages.length < all.length ? approvals : null,
    overrideModel: body.override_model ?? null,
    overrideSystem: body.override_system ?? body.system ?? null,
    ...(!body.use_assistant_message && { showsCalls: true }),
    ...(body.include_compaction_messages && { includeCompaction: true }),
    ...(body.client_tools &&
      body.client_tools.length > 0 && { clientTools: toClientTools(body.client_tools) }),
    ...(body.client_skills && { clientSkills: lastOfEachName(body.client_skills) }),
  };
}

const toClientTools = (tools: NonNullable<RequestBody['client_tools']>): readonly ClientTool[] =>
  lastOfEachName(tools).map(({ name, description, parameters }) => ({
    name,
    description: description ?? '',
    parameters: { type: 'object', properties: {}, ...parameters },
  }));

/** Providers refuse a tool's name that comes twice. */
const lastOfEachName = <T extends { readonly name: string }>(named: readonly T[]): readonly T[] => [
  ...new Map(named.map((one) => [one.name, one])).values(),
];

/** Old clients answer all that waits at once and name no call: their answers carry `EVERY_CALL`. */
function toAnswers(message: ApprovalCreate | z.output<typeof ToolReturnCreate>): readonly ApprovalAnswer[] {
  if (message.type === 'tool_return') return message.tool_returns.map(toToolAnswer);
  if (!message.approvals) {
    const { approve, approval_request_id: requestId, reason } = message;
    const toolCallId = requestId ?? EVERY_CALL;
    return [{ type: 'approval', toolCallId, approve: approve === true, reason: reason ?? null }];
  }
  return message.approvals.map((answer) => {
    if (answer.type === 'tool') return toToolAnswer(answer);
    const { tool_call_id: toolCallId, approve, reason, arguments: args } = answer;
    return {
      type: 'approval',
      toolCallId,
      approve,
      reason: reason ?? null,
      ...(args !== null && args !== undefined && { arguments: asText(args) }),
    };
  });
}

const asText = (args: string | object): string => (typeof args === 'string' ? args : JSON.stringify(args));

function toToolAnswer(answer: z.output<typeof ToolReturn>): ApprovalAnswer {
  const parts = toParts(answer.tool_return);
  const images = parts.filter((part) => part.type === 'image');
  return {
    type: 'tool',
    toolCallId: answer.tool_call_id,
    status: answer.status,
    result: textOf(parts),
    stdout: answer.stdout ?? null,
    stderr: answer.stderr ?? null,
    ...(images.length > 0 && { images }),
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
  starting_after: laxInteger(0).default(0),
  include_pings: laxBoolean.nullish(),
});
