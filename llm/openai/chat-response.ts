import type { ChatCompletionChunk } from 'openai/resources/chat/completions';
import { AppError } from '../../domain/errors';
import type { ModelReply, ModelUsage } from '../../domain/model';
import { isRecord } from '../is-record';
import { estimateUsage, ReplyBuilder } from '../reply-builder';
import type { ReplyOptions } from '../reply-builder';
import { mergeReasoningDetails } from './reasoning-details';

type Delta = ChatCompletionChunk.Choice.Delta;
type CallDelta = NonNullable<Delta['tool_calls']>[number];

/** Where the parts of a chat reply lie. Chat Completions has one text and one reasoning per reply. */
interface Slots {
  text?: number;
  reasoning?: number;
  refusal: boolean;
  /** The provider's call index → the open call and the id the provider gave it. */
  readonly calls: Map<number, { readonly index: number; readonly rawId: string }>;
}

export interface ChatReplyOptions extends ReplyOptions {
  readonly promptCharacters: number;
  readonly touch: () => void;
}

/** Reads one streamed chat reply to its end. A stream without a finish reason was cut: `MODEL_UNAVAILABLE`. */
export async function readChatStream(
  stream: AsyncIterable<ChatCompletionChunk>,
  options: ChatReplyOptions,
): Promise<ModelReply> {
  const reply = new ReplyBuilder(options);
  const slots: Slots = { refusal: false, calls: new Map() };
  let details: readonly Record<string, unknown>[] = [];
  let finish: string | null = null;
  let usage: ModelUsage | null = null;
  let responseId: string | null = null;
  for await (const chunk of stream) {
    options.touch();
    responseId ??= chunk.id || null;
    usage = toUsage(chunk.usage) ?? usage;
    const choice = (chunk.choices as ChatCompletionChunk.Choice[] | undefined)?.[0]; // Azure leaves it out.
    if (!choice) continue;
    readDelta(choice.delta, slots, reply);
    details = mergeReasoningDetails(details, extra(choice.delta, 'reasoning_details'));
    finish = choice.finish_reason ?? finish;
  }
  if (finish === null) {
    throw new AppError(
      'MODEL_UNAVAILABLE',
      `The stream from ${options.label} ended before the reply did. Try again.`,
    );
  }
  if (details.length > 0) reply.annotate(slots.reasoning ?? 0, { reasoningDetails: details });
  return reply.finish({
    finishReason: slots.refusal ? 'refusal' : toFinishReason(finish),
    usage: usage ?? estimateUsage(options.promptCharacters, reply.characters),
    responseId,
  });
}

function readDelta(delta: Delta | undefined, slots: Slots, reply: ReplyBuilder): void {
  if (!delta) return;
  const reasoning = extra(delta, 'reasoning_content') ?? extra(delta, 'reasoning');
  if (typeof reasoning === 'string' && reasoning !== '') {
    slots.reasoning ??= reply.openReasoning();
    reply.appendReasoning(slots.reasoning, reasoning);
  }
  if (typeof delta.refusal === 'string' && delta.refusal !== '') slots.refusal = true;
  for (const text of [delta.content, delta.refusal]) {
    if (typeof text !== 'string' || text === '') continue;
    slots.text ??= reply.openText();
    reply.appendText(slots.text, text);
  }
  for (const call of delta.tool_calls ?? []) readCallDelta(call, slots, reply);
}

/** Calls are told apart by their index; servers that number all of them 0 (or none) by a second id. */
function readCallDelta(call: CallDelta, { calls }: Slots, reply: ReplyBuilder): void {
  const name = call.function?.name ?? '';
  const rawId = call.id ?? '';
  const numbered = call.index as number | undefined;
  const slot = numbered ?? (name === '' ? calls.size - 1 : calls.size);
  const open = calls.get(slot);
  const isAnother = !open || (rawId !== '' && name !== '' && open.rawId !== '' && open.rawId !== rawId);
  const entry = isAnother ? { index: reply.openCall({ id: rawId, name }), rawId } : open;
  if (isAnother) calls.set(slot, entry);
  else reply.nameCall(entry.index, name);
  reply.appendArguments(entry.index, call.function?.arguments ?? '');
}

function toFinishReason(reason: string): ModelReply['finishReason'] {
  if (reason === 'length' || reason === 'content_filter') return reason;
  return reason === 'tool_calls' || reason === 'function_call' ? 'tool_calls' : 'stop';
}

function toUsage(usage: ChatCompletionChunk['usage']): ModelUsage | null {
  if (!usage) return null;
  const prompt = usage.prompt_tokens_details;
  return {
    promptTokens: usage.prompt_tokens,
    completionTokens: usage.completion_tokens,
    totalTokens: usage.total_tokens,
    cachedInputTokens: prompt?.cached_tokens ?? count(extra(usage, 'prompt_cache_hit_tokens')),
    cacheWriteTokens: count(extra(prompt, 'cache_write_tokens')),
    reasoningTokens: usage.completion_tokens_details?.reasoning_tokens ?? null,
  };
}

const count = (value: unknown): number | null => (typeof value === 'number' ? value : null);

/** A field some servers add to OpenAI's shape. */
const extra = (value: unknown, field: string): unknown => (isRecord(value) ? value[field] : undefined);
