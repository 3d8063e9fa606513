import type {
  Response,
  ResponseFunctionToolCall,
  ResponseOutputItem,
  ResponseOutputMessage,
  ResponseReasoningItem,
  ResponseStreamEvent,
  ResponseUsage,
} from 'openai/resources/responses/responses';
import { AppError } from '../../domain/errors';
import type { ModelReply, ModelUsage } from '../../domain/model';
import { ProviderStreamError } from '../classify-error';
import { estimateUsage, ReplyBuilder } from '../reply-builder';
import type { ChatReplyOptions } from './chat-response';
import { SUMMARY_SEPARATOR } from './responses-request';

/** Reads one streamed Responses API reply: every item, in order, with what is needed to send it back. */
export async function readResponsesStream(
  stream: AsyncIterable<ResponseStreamEvent>,
  options: ChatReplyOptions,
): Promise<ModelReply> {
  const reader = new ResponsesReader(options);
  for await (const event of stream) {
    options.touch();
    reader.read(event);
  }
  return reader.finish();
}

class ResponsesReader {
  private readonly reply: ReplyBuilder;
  /** `output/content` of the provider → index of the part. */
  private readonly texts = new Map<string, number>();
  private readonly calls = new Map<number, number>();
  private readonly reasonings = new Map<
    number,
    { readonly index: number; readonly lengths: number[]; at: number }
  >();
  private sawItems = false;
  private refused = false;
  private end: { readonly response: Response; readonly finishReason: ModelReply['finishReason'] } | undefined;

  constructor(private readonly options: ChatReplyOptions) {
    this.reply = new ReplyBuilder(options);
  }

  read(event: ResponseStreamEvent): void {
    switch (event.type) {
      case 'response.output_item.added':
        if (event.item.type === 'function_call') this.openCall(event.output_index, event.item);
        return;
      case 'response.output_text.delta':
        this.appendText(`${event.output_index}/${event.content_index}`, event.delta);
        return;
      case 'response.refusal.delta':
        this.refused = true;
        this.appendText(`${event.output_index}/${event.content_index}`, event.delta);
        return;
      case 'response.reasoning_summary_text.delta':
        this.appendReasoning(event.output_index, event.summary_index, event.delta);
        return;
      case 'response.reasoning_text.delta':
        this.appendReasoning(event.output_index, event.content_index, event.delta);
        return;
      case 'response.function_call_arguments.delta':
        this.reply.appendArguments(this.calls.get(event.output_index) ?? -1, event.delta);
        return;
      case 'response.output_item.done':
        this.closeItem(event.output_index, event.item);
        return;
      default:
        this.readEnd(event);
    }
  }

  finish(): ModelReply {
    if (!this.end) {
      throw new AppError('MODEL_UNAVAILABLE', `The stream from ${this.options.label} ended before the reply did. Try again.`); // prettier-ignore
    }
    const { response, finishReason } = this.end;
    return this.reply.finish({
      finishReason: this.refused && finishReason === 'stop' ? 'refusal' : finishReason,
      usage: toUsage(response.usage) ?? estimateUsage(this.options.promptCharacters, this.reply.characters),
      responseId: response.id || null,
    });
  }

  private readEnd(event: ResponseStreamEvent): void {
    switch (event.type) {
      case 'error':
        throw new ProviderStreamError(event.message, event.code);
      case 'response.failed': {
        const { error } = event.response;
        throw new ProviderStreamError(error?.message ?? 'the response failed', error?.code ?? null);
      }
      case 'response.completed':
      case 'response.incomplete':
        // Proxies may leave out the item events. Where they came, they count: the final list may be another one.
        if (!this.sawItems) this.closeItems(event.response.output);
        this.end = { response: event.response, finishReason: finishReasonOf(event.response) };
        return;
      default: // Progress of tools we never ask for.
    }
  }

  private appendText(key: string, delta: string): void {
    if (delta === '') return;
    const index = this.texts.get(key) ?? this.reply.openText();
    this.texts.set(key, index);
    this.reply.appendText(index, delta);
  }

  private appendReasoning(output: number, paragraph: number, delta: string): void {
    const open = this.reasonings.get(output) ?? {
      index: this.reply.openReasoning(),
      lengths: [0],
      at: paragraph,
    };
    this.reasonings.set(output, open);
    if (paragraph !== open.at) {
      open.at = paragraph;
      open.lengths.push(0);
      this.reply.appendReasoning(open.index, SUMMARY_SEPARATOR);
    }
    open.lengths.push((open.lengths.pop() ?? 0) + delta.length);
    this.reply.appendReasoning(open.index, delta);
  }

  private openCall(output: number, item: ResponseFunctionToolCall): number {
    const index = this.calls.get(output) ?? this.reply.openCall({ id: item.call_id, name: item.name });
    this.calls.set(output, index);
    return index;
  }

  private closeItems(items: readonly ResponseOutputItem[]): void {
    for (const [output, item] of items.entries()) this.closeItem(output, item);
  }

  private closeItem(output: number, item: ResponseOutputItem): void {
    this.sawItems = true;
    if (item.type === 'reasoning') this.closeReasoning(output, item);
    else if (item.type === 'message') this.closeMessage(output, item);
    else if (item.type === 'function_call') this.closeCall(output, item);
  }

  private closeReasoning(output: number, item: ResponseReasoningItem): void {
    if (!this.reasonings.has(output)) {
      item.summary.forEach(({ text }, paragraph) => {
        this.appendReasoning(output, paragraph, text);
      });
      if (!this.reasonings.has(output) && item.encrypted_content) this.appendReasoning(output, 0, '');
    }
    const open = this.reasonings.get(output);
    if (!open) return; // Neither summary nor encrypted content: there is nothing to show or to send back.
    if (item.encrypted_content) this.reply.sign(open.index, item.encrypted_content);
    const several = open.lengths.length > 1 ? { summaryLengths: open.lengths } : {};
    this.reply.annotate(open.index, { id: item.id, ...several });
  }

  private closeMessage(output: number, item: ResponseOutputMessage): void {
    item.content.forEach((content, at) => {
      const key = `${output}/${at}`;
      const isRefusal = content.type === 'refusal';
      if (isRefusal) this.refused = true;
      if (!this.texts.has(key)) this.appendText(key, isRefusal ? content.refusal : content.text);
      const phase = item.phase ? { phase: item.phase } : {};
      const index = this.texts.get(key);
      if (index !== undefined)
        this.reply.annotate(index, { id: item.id, ...phase, ...(isRefusal && { refusal: true }) });
    });
  }

  private closeCall(output: number, item: ResponseFunctionToolCall): void {
    const index = this.openCall(output, item);
    if (this.reply.argumentsOf(index) === '') this.reply.appendArguments(index, item.arguments);
    if (item.id !== undefined) this.reply.annotate(index, { id: item.id });
  }
}

function finishReasonOf({ incomplete_details: details }: Response): ModelReply['finishReason'] {
  if (details?.reason === 'max_output_tokens') return 'length';
  return details?.reason === 'content_filter' ? 'content_filter' : 'stop';
}

function toUsage(usage: ResponseUsage | undefined | null): ModelUsage | null {
  if (!usage) return null;
  // Proxies leave the details out.
  const input = usage.input_tokens_details as Partial<ResponseUsage.InputTokensDetails> | undefined;
  const output = usage.output_tokens_details as Partial<ResponseUsage.OutputTokensDetails> | undefined;
  return {
    promptTokens: usage.input_tokens,
    completionTokens: usage.output_tokens,
    totalTokens: usage.total_tokens,
    cachedInputTokens: input?.cached_tokens ?? null,
    cacheWriteTokens: null,
    reasoningTokens: output?.reasoning_tokens ?? null,
  };
}
