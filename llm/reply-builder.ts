import { createHash } from 'node:crypto';
import { AppError } from '../domain/errors';
import type { ProviderData } from '../domain/message';
import type { ModelEvent, ModelReply, ModelUsage } from '../domain/model';

type Part = ModelReply['parts'][number];
/** A part while it grows. */
type Draft =
  | { type: 'text'; text: string; provider?: ProviderData }
  | { type: 'reasoning'; text: string; signature: string | null; provider?: ProviderData }
  | { type: 'redacted_reasoning'; data: string; provider?: ProviderData }
  | { type: 'tool_call'; id: string; name: string; arguments: string; provider?: ProviderData };

export interface ReplyOptions {
  /** The name that marks the provider's own data in the parts. */
  readonly provider: string;
  /** The provider as a reader knows it, for error texts. */
  readonly label: string;
  readonly onEvent?: (event: ModelEvent) => void;
  /** Makes the ids of calls that came without one differ from step to step. */
  readonly seed: string;
}

/**
 * Collects one streamed reply. The index of a part is its place in the reply from its first event on: parts are only
 * appended, never moved, so the events and the returned reply always agree.
 */
export class ReplyBuilder {
  private readonly parts: Draft[] = [];
  private readonly callIds = new Set<string>();
  private readonly announced = new Set<number>();

  constructor(private readonly options: ReplyOptions) {}

  get size(): number {
    return this.parts.length;
  }

  openText(): number {
    return this.parts.push({ type: 'text', text: '' }) - 1;
  }

  openReasoning(): number {
    return this.parts.push({ type: 'reasoning', text: '', signature: null, provider: this.data({}) }) - 1;
  }

  addRedacted(data: string): number {
    return this.parts.push({ type: 'redacted_reasoning', data, provider: this.data({}) }) - 1;
  }

  /** Opens a tool call. A missing id gets one made from the seed, a repeated id a suffix: ids are unique in a reply. */
  openCall(call: { readonly id: string; readonly name: string }): number {
    const index =
      this.parts.push({ type: 'tool_call', id: this.uniqueId(call.id), name: '', arguments: '' }) - 1;
    this.nameCall(index, call.name);
    return index;
  }

  appendText(index: number, text: string): void {
    const part = this.parts[index];
    if (part?.type !== 'text' || text === '') return;
    part.text += text;
    this.options.onEvent?.({ type: 'text-delta', index, text });
  }

  appendReasoning(index: number, text: string): void {
    const part = this.parts[index];
    if (part?.type !== 'reasoning' || text === '') return;
    part.text += text;
    this.options.onEvent?.({ type: 'reasoning-delta', index, text });
  }

  /** Some servers name a call after its first delta; nothing is announced before the name is known. */
  nameCall(index: number, name: string): void {
    const part = this.parts[index];
    if (part?.type !== 'tool_call' || part.name !== '' || name === '') return;
    part.name = name;
    this.announced.add(index);
    const early = part.arguments === '' ? {} : { arguments: part.arguments };
    this.options.onEvent?.({ type: 'tool-call-delta', index, id: part.id, name, ...early });
  }

  appendArguments(index: number, text: string): void {
    const part = this.parts[index];
    if (part?.type !== 'tool_call' || text === '') return;
    part.arguments += text;
    if (!this.announced.has(index)) return;
    this.options.onEvent?.({ type: 'tool-call-delta', index, id: part.id, arguments: text });
  }

  argumentsOf(index: number): string {
    const part = this.parts[index];
    return part?.type === 'tool_call' ? part.arguments : '';
  }

  /** Signs a reasoning part; false when the part is none. */
  sign(index: number, signature: string): boolean {
    const part = this.parts[index];
    if (part?.type !== 'reasoning') return false;
    part.signature = signature;
    return true;
  }

  /** Adds to what the provider wants to see again with this part. */
  annotate(index: number, data: Readonly<Record<string, unknown>>): void {
    const part = this.parts[index];
    if (part) part.provider = this.data({ ...part.provider?.data, ...data });
  }

  /** How many characters the reply holds, for providers that report no usage. */
  get characters(): number {
    return this.parts.reduce((sum, part) => sum + charactersOf(part), 0);
  }

  /** The whole reply. An empty one, and a call without a name, are the provider's fault: `MODEL_INVALID_RESPONSE`. */
  finish(end: Pick<ModelReply, 'finishReason' | 'usage' | 'responseId'>): ModelReply {
    const calls = this.parts.filter((part) => part.type === 'tool_call');
    if (calls.some((call) => call.name === '')) throw this.invalid('a tool call without a name');
    const stopped = end.finishReason === 'stop' || end.finishReason === 'tool_calls';
    if (stopped && this.parts.length === 0) throw this.invalid('an empty reply');
    const finishReason = stopped ? (calls.length > 0 ? 'tool_calls' : 'stop') : end.finishReason;
    return { parts: this.parts, finishReason, usage: soundUsage(end.usage), responseId: end.responseId };
  }

  private invalid(what: string): AppError {
    return new AppError('MODEL_INVALID_RESPONSE', `${this.options.label} sent ${what}. Try again.`);
  }

  private data(data: Readonly<Record<string, unknown>>): ProviderData {
    return { name: this.options.provider, data };
  }

  private uniqueId(given: string): string {
    const digest = createHash('sha256').update(this.options.seed).digest('hex').slice(0, 8);
    const id = given === '' ? `call_${this.callIds.size}_${digest}` : given;
    let unique = id;
    for (let copy = 2; this.callIds.has(unique); copy++) unique = `${id}_${copy}`;
    this.callIds.add(unique);
    return unique;
  }
}

/** Counts as a counter can hold them: a server's nonsense must not cost the reply it came with. */
function soundUsage(usage: ModelUsage): ModelUsage {
  const sound = (value: unknown): number | null =>
    typeof value === 'number' && value >= 0 && value <= LARGEST_COUNT ? Math.round(value) : null;
  const promptTokens = sound(usage.promptTokens) ?? 0;
  const completionTokens = sound(usage.completionTokens) ?? 0;
  return {
    promptTokens,
    completionTokens,
    totalTokens: sound(usage.totalTokens) ?? promptTokens + completionTokens,
    cachedInputTokens: sound(usage.cachedInputTokens),
    cacheWriteTokens: sound(usage.cacheWriteTokens),
    reasoningTokens: sound(usage.reasoningTokens),
  };
}
const LARGEST_COUNT = 1_000_000_000;

function charactersOf(part: Part): number {
  if (part.type === 'tool_call') return part.name.length + part.arguments.length;
  return part.type === 'redacted_reasoning' ? 0 : part.text.length;
}

/** Token counts at four characters each, for servers that report none: the context budget needs a number. */
export function estimateUsage(promptCharacters: number, replyCharacters: number): ModelUsage {
  const promptTokens = Math.ceil(promptCharacters / 4);
  const completionTokens = Math.ceil(replyCharacters / 4);
  return {
    promptTokens,
    completionTokens,
    totalTokens: promptTokens + completionTokens,
    cachedInputTokens: null,
    cacheWriteTokens: null,
    reasoningTokens: null,
  };
}
