import { z } from 'zod';
import type { StoredRunEvent } from '../../db/run-events';
import type { RunResult } from '../../db/runs';
import type { Message } from '../../domain/message';
import { AppError } from '../../domain/errors';
import type { RunUsage } from '../../domain/usage';
import { toWireMessages } from './message';
import type { WireMessage } from './message-types';

// OpenAI's chat completions with an agent in the place of a model. What only the agent's own loop can decide
// (temperature, stop words, a number of choices) is read and ignored, as in the original.

const TextPart = z.object({ type: z.literal('text'), text: z.string() });
const ImagePart = z.object({ type: z.literal('image_url'), image_url: z.object({ url: z.string() }) });
const ChatMessage = z.object({
  role: z.string(),
  content: z.union([z.string(), z.array(z.union([TextPart, ImagePart]))]).nullish(),
});
const UserMessage = ChatMessage.extend({ role: z.literal('user') });

export const ChatCompletionBody = z.object({
  model: z.string(),
  messages: z.array(z.union([UserMessage, z.looseObject({ role: z.string() })])),
  stream: z.boolean().nullish(),
});
type ChatCompletionBody = z.output<typeof ChatCompletionBody>;

/** The agent that a request names as its model. */
export function agentOf({ model }: ChatCompletionBody): string {
  if (model.startsWith('agent-')) return model;
  throw new AppError(
    'INVALID_ARGUMENT',
    `INVALID_ARGUMENT: The model of a chat completion is an agent here: give its id (agent-...), not '${model}'.`,
  );
}

/** What is new to the agent: the last message of the user. It remembers what was before. */
export function lastOfUser({ messages }: ChatCompletionBody): string | readonly object[] {
  const last = messages.findLast(({ role }) => role === 'user');
  if (!last) {
    throw new AppError(
      'INVALID_ARGUMENT',
      'INVALID_ARGUMENT: No user message found in the request: send at least one message with role user.',
    );
  }
  const { content } = UserMessage.parse(last);
  if (typeof content === 'string') return content;
  return (content ?? []).map((part) => (part.type === 'text' ? part : toImage(part.image_url.url)));
}

function toImage(url: string): object {
  const [, mediaType, data] = /^data:([^;,]+);base64,(.*)$/s.exec(url) ?? [];
  const source = data === undefined ? { type: 'url', url } : { type: 'base64', media_type: mediaType, data };
  return { type: 'image', source };
}

/** What a completion says of itself. */
export interface ChatCompletionHead {
  readonly runId: string;
  readonly model: string;
  readonly createdAt: Date;
}

const headOf = ({ runId, model, createdAt }: ChatCompletionHead, object: string) => ({
  id: `chatcmpl-${runId}`,
  object,
  created: Math.floor(createdAt.getTime() / 1000),
  model,
});

/** The whole answer of a request that does not stream: what the agent said, and no tools. */
export function toChatCompletion(head: ChatCompletionHead, { messages, usage }: RunResult) {
  const content = messages.flatMap((message) => toWireMessages(message).flatMap(textOf)).join('\n');
  return {
    ...headOf(head, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, refusal: null },
        finish_reason: 'stop',
        logprobs: null,
      },
    ],
    usage: toChatUsage(usage),
  };
}

const toChatUsage = (usage: RunUsage) => ({
  prompt_tokens: usage.promptTokens,
  completion_tokens: usage.completionTokens,
  total_tokens: usage.totalTokens,
});

/** Shows the events of one run as chunks: what the agent says, then the end. Tools are its own business. */
export function createChunks(
  head: ChatCompletionHead,
): (stored: StoredRunEvent, messages: ReadonlyMap<string, Message>) => string[] {
  let isFirst = true;
  const chunk = (delta: object, finish: 'stop' | null) =>
    frame({
      ...headOf(head, 'chat.completion.chunk'),
      choices: [{ index: 0, delta, finish_reason: finish, logprobs: null }],
    });
  const say = (text: string): string => {
    const delta = isFirst ? { role: 'assistant', content: text } : { content: text };
    isFirst = false;
    return chunk(delta, null);
  };
  return ({ event }, messages) => {
    if (event.type === 'text-delta') return [say(event.text)];
    if (event.type === 'message') {
      const message = messages.get(event.messageId);
      const shown = message && toWireMessages(message)[event.fragment];
      return shown ? textOf(shown).map(say) : [];
    }
    if (event.type !== 'run-end') return [];
    if (event.error) {
      const { message, errorType: type, code } = event.error;
      return [frame({ error: { message, type, code, param: null } }), DONE];
    }
    return [chunk({}, 'stop'), DONE];
  };
}

const textOf = (message: WireMessage): readonly string[] =>
  message.message_type === 'assistant_message' && 'content' in message && typeof message.content === 'string'
    ? [message.content]
    : [];

const DONE = 'data: [DONE]\n\n';
const frame = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`;
