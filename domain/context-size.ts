import type { ModelRequest, PromptMessage, ToolSpec } from './model';

/** Counts the tokens of texts, one number each. Slow for long texts: ask `fitsSurely` first. */
export type CountTokens = (texts: readonly string[]) => Promise<readonly number[]>;

/** A context fuller than this is made smaller: the rest is left to the reply. */
export const FULL = 0.9;
// What providers add around a message, and what they charge for an image at most ordinary sizes.
const PER_MESSAGE = 4;
const PER_IMAGE = 1_200;

/** Whether a context of so many tokens leaves too little of the window. */
export const isFull = (tokens: number, window: number): boolean => tokens > FULL * window;

/** The window that counts for a step: what the agent was given of it, but never more than the model has. */
export const contextWindowOf = (limit: number | null, model: { readonly contextWindow: number }): number =>
  limit === null ? model.contextWindow : Math.min(limit, model.contextWindow);

/** The text of a message whose tokens count. Providers' opaque data and images do not go by length. */
export function countableText(message: PromptMessage): string {
  if (message.role === 'system' || message.role === 'tool') return message.text;
  return message.parts
    .map((part) => {
      if (part.type === 'text' || part.type === 'reasoning') return part.text;
      return part.type === 'tool_call' ? `${part.name} ${part.arguments}` : '';
    })
    .join('\n');
}

/** The tools as a request names them. */
export const toolText = (tools: readonly ToolSpec[]): string =>
  tools.length === 0 ? '' : JSON.stringify(tools);

/** Tokens of a message beside its text. */
export function fixedTokens(message: PromptMessage): number {
  return PER_MESSAGE + imagesIn(message) * PER_IMAGE;
}

function imagesIn(message: PromptMessage): number {
  if (message.role === 'tool') return message.images?.length ?? 0;
  return message.role === 'user' ? message.parts.filter(({ type }) => type === 'image').length : 0;
}

const counted = new WeakMap<PromptMessage, number>();

/** The tokens of each message. A message that was counted before is not counted again. */
export async function sizesOf(
  messages: readonly PromptMessage[],
  count: CountTokens,
): Promise<readonly number[]> {
  const unknown = messages.filter((message) => !counted.has(message));
  const texts = await count(unknown.map(countableText));
  unknown.forEach((message, index) => counted.set(message, (texts[index] ?? 0) + fixedTokens(message)));
  return messages.map((message) => counted.get(message) ?? 0);
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/**
 * Whether a request can't be full, whatever it says: a token has at least one byte, and a character at most three of them
 * (those of four bytes are two characters of a string).
 */
export function fitsSurely(
  { messages, tools }: Pick<ModelRequest, 'messages' | 'tools'>,
  window: number,
): boolean {
  let most = toolText(tools).length * TOKENS_A_CHARACTER;
  for (const message of messages) most += mostTokens(message);
  return !isFull(most, window);
}

const TOKENS_A_CHARACTER = 3;
const bounds = new WeakMap<PromptMessage, number>();

function mostTokens(message: PromptMessage): number {
  let most = bounds.get(message);
  if (most === undefined)
    bounds.set(message, (most = countableText(message).length * TOKENS_A_CHARACTER + fixedTokens(message)));
  return most;
}
