import { LRUCache } from 'lru-cache';
import { crc32 } from 'node:zlib';
import type { PromptMessage } from '../domain/model';
import { countInCommon } from '../domain/prompt';
import type { PromptPrint } from '../domain/prompt-print';

export interface PromptToSerialize {
  /** What the provider reads before the messages. */
  readonly head: string;
  readonly messages: readonly PromptMessage[];
  /**
   * The JSON of the message at a place: none, one value, or several with commas between. A function of the message, and of
   * results of tools that are its neighbours; of no other message.
   */
  readonly write: (messages: readonly PromptMessage[], index: number) => string;
}

/** The messages of a prompt as they are sent, a JSON array without its brackets, and what can be said of their bytes. */
export interface SerializedPrompt {
  readonly bytes: Buffer;
  readonly print: PromptPrint;
}

/** Serializes the prompts of conversations and keeps what it serialized. */
export interface SerializedPrompts {
  /**
   * `key` names a conversation and a dialect: one `write` for ever. Only messages are written that the last prompt of the
   * key did not have, as the same objects in the same places. Null keeps nothing.
   */
  serialize(key: string | null, prompt: PromptToSerialize): SerializedPrompt;
  /** How much is kept, in bytes as they are estimated. */
  readonly bytes: number;
}

/** What a process keeps unless it is told otherwise. */
export const SERIALIZED_PROMPTS_BYTES = 64 * 2 ** 20;

/** Message n ends at byte `ends[n]`; `checksums[n]` is that of everything up to there. */
interface Kept extends Pick<PromptPrint, 'ends' | 'checksums'> {
  readonly messages: readonly PromptMessage[];
  readonly bytes: Buffer;
}

const NOTHING: Kept = { messages: [], ends: [], checksums: [], bytes: Buffer.alloc(0) };

/** Keeps prompts up to a size in all; those of the conversations that were longest unused go first. */
export function createSerializedPrompts(maxBytes: number = SERIALIZED_PROMPTS_BYTES): SerializedPrompts {
  const cache = new LRUCache<string, Kept>({ maxSize: Math.max(1, maxBytes), sizeCalculation: sizeOf });
  return {
    serialize(key, { head, messages, write }) {
      const before = key === null ? undefined : cache.get(key);
      const kept = goOn(before ?? NOTHING, messages, write);
      if (key !== null) cache.set(key, kept);
      const { bytes, ends, checksums } = kept;
      const headBytes = Buffer.from(head);
      return { bytes, print: { head: [headBytes.length, crc32(headBytes)], ends, checksums } };
    },
    get bytes() {
      return cache.calculatedSize;
    },
  };
}

function goOn(before: Kept, messages: readonly PromptMessage[], write: PromptToSerialize['write']): Kept {
  const common = beforeResults(messages, countInCommon(before.messages, messages));
  const ends = before.ends.slice(0, common);
  const checksums = before.checksums.slice(0, common);
  const pieces = [before.bytes.subarray(0, ends.at(-1) ?? 0)];
  for (let index = common; index < messages.length; index++) {
    const end = ends.at(-1) ?? 0;
    const json = write(messages, index);
    const piece = Buffer.from(json === '' || end === 0 ? json : `,${json}`);
    pieces.push(piece);
    ends.push(end + piece.length);
    checksums.push(crc32(piece, checksums.at(-1) ?? 0)); // That of all bytes so far.
  }
  return { messages, ends, checksums, bytes: Buffer.concat(pieces) };
}

/** Where writing goes on: results that got another neighbour are written again. */
function beforeResults(messages: readonly PromptMessage[], common: number): number {
  let index = common;
  if (messages[index]?.role === 'tool') while (messages[index - 1]?.role === 'tool') index--;
  return index;
}

// Beside the bytes there are the messages that they were made of.
const sizeOf = ({ bytes, ends }: Kept): number => 3 * bytes.length + 200 * ends.length + 300;
