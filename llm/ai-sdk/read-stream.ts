import type {
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
  SharedV3ProviderMetadata,
} from '@ai-sdk/provider';
import { AppError } from '../../domain/errors';
import type { ModelReply, ModelUsage } from '../../domain/model';
import { ReplyBuilder } from '../reply-builder';
import type { ReplyOptions } from '../reply-builder';

type StreamPart = LanguageModelV3StreamPart;
type Finish = Extract<StreamPart, { type: 'finish' }>;

export interface AiSdkReplyOptions extends ReplyOptions {
  readonly touch: () => void;
  /** Takes what the provider said beside a part (signatures) into the reply. */
  readonly readMetadata: (reply: ReplyBuilder, index: number, metadata: SharedV3ProviderMetadata) => void;
  /** Reasoning that the provider hides behind a blob; null for ordinary reasoning. */
  readonly redactedData: (metadata: SharedV3ProviderMetadata | undefined) => string | null;
}

/** Reads one AI SDK stream to its end. The stream ends without a finish reason when the connection was cut. */
export async function readAiSdkStream(
  stream: AsyncIterable<StreamPart>,
  options: AiSdkReplyOptions,
): Promise<ModelReply> {
  const reader = new AiSdkReader(options);
  for await (const part of stream) {
    options.touch();
    reader.read(part);
  }
  return reader.finish();
}

class AiSdkReader {
  private readonly reply: ReplyBuilder;
  private readonly texts = new Map<string, number>();
  private readonly reasonings = new Map<string, number>();
  /** The provider's call id → the calls opened under it; the last one is still growing. */
  private readonly calls = new Map<string, { readonly index: number; done: boolean }>();
  private responseId: string | null = null;
  private end: Finish | undefined;

  constructor(private readonly options: AiSdkReplyOptions) {
    this.reply = new ReplyBuilder(options);
  }

  read(part: StreamPart): void {
    switch (part.type) {
      case 'text-delta':
        this.append(this.texts, part);
        return;
      case 'reasoning-start':
        this.startReasoning(part.id, part.providerMetadata);
        return;
      case 'reasoning-delta':
        this.append(this.reasonings, part);
        return;
      case 'tool-input-start':
        if (part.providerExecuted !== true) this.openCall(part.id, part.toolName, part.providerMetadata);
        return;
      case 'tool-input-delta':
        this.reply.appendArguments(this.calls.get(part.id)?.index ?? -1, part.delta);
        return;
      case 'tool-call':
        if (part.providerExecuted !== true) this.closeCall(part);
        return;
      case 'response-metadata':
        this.responseId = part.id ?? this.responseId;
        return;
      case 'finish':
        this.end = part;
        return;
      case 'error':
        throw part.error; // Whatever the library made of the provider's error event; classified by the caller.
      default: // Text starts and ends, sources, warnings: nothing to keep.
    }
  }

  finish(): ModelReply {
    const { label } = this.options;
    const reason = this.end?.finishReason;
    if (!this.end || !reason || (reason.unified === 'other' && reason.raw === undefined)) {
      throw new AppError(
        'MODEL_UNAVAILABLE',
        `The stream from ${label} ended before the reply did. Try again.`,
      );
    }
    if (reason.unified === 'error' || (reason.unified === 'other' && this.reply.size === 0)) {
      const what = reason.raw ?? 'an error';
      throw new AppError('MODEL_INVALID_RESPONSE', `${label} ended the reply with ${what}. Try again.`);
    }
    return this.reply.finish({
      finishReason: toFinishReason(reason),
      usage: toUsage(this.end.usage),
      responseId: this.responseId,
    });
  }

  private startReasoning(id: string, metadata: SharedV3ProviderMetadata | undefined): void {
    const redacted = this.options.redactedData(metadata);
    if (redacted !== null) {
      this.reply.addRedacted(redacted);
      return;
    }
    const index = this.reply.openReasoning();
    this.reasonings.set(id, index);
    if (metadata) this.options.readMetadata(this.reply, index, metadata);
  }

  private append(
    slots: Map<string, number>,
    part: Extract<StreamPart, { type: 'text-delta' | 'reasoning-delta' }>,
  ): void {
    const isText = part.type === 'text-delta';
    let index = slots.get(part.id);
    if (index === undefined) {
      if (isText && part.delta === '') return;
      index = isText ? this.reply.openText() : this.reply.openReasoning();
      slots.set(part.id, index);
    }
    if (isText) this.reply.appendText(index, part.delta);
    else this.reply.appendReasoning(index, part.delta);
    if (part.providerMetadata) this.options.readMetadata(this.reply, index, part.providerMetadata);
  }

  private openCall(id: string, name: string, metadata: SharedV3ProviderMetadata | undefined): number {
    const index = this.reply.openCall({ id, name });
    this.calls.set(id, { index, done: false });
    if (metadata) this.options.readMetadata(this.reply, index, metadata);
    return index;
  }

  private closeCall(call: Extract<StreamPart, { type: 'tool-call' }>): void {
    const open = this.calls.get(call.toolCallId);
    const index =
      open && !open.done ? open.index : this.openCall(call.toolCallId, call.toolName, call.providerMetadata);
    if (this.reply.argumentsOf(index) === '') this.reply.appendArguments(index, call.input);
    if (call.providerMetadata) this.options.readMetadata(this.reply, index, call.providerMetadata);
    this.calls.set(call.toolCallId, { index, done: true });
  }
}

function toFinishReason({ unified, raw }: Finish['finishReason']): ModelReply['finishReason'] {
  if (raw === 'refusal') return 'refusal';
  if (unified === 'length') return 'length';
  if (unified === 'content-filter') return 'content_filter';
  return unified === 'tool-calls' ? 'tool_calls' : 'stop';
}

function toUsage({ inputTokens, outputTokens }: LanguageModelV3Usage): ModelUsage {
  const promptTokens = inputTokens.total ?? 0;
  const completionTokens = outputTokens.total ?? 0;
  return {
    promptTokens,
    completionTokens,
    totalTokens: promptTokens + completionTokens,
    cachedInputTokens: inputTokens.cacheRead ?? null,
    cacheWriteTokens: inputTokens.cacheWrite ?? null,
    reasoningTokens: outputTokens.reasoning ?? null,
  };
}
