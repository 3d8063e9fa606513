// What can be said of a prompt without keeping it. A prompt is its head (the model and the tools, as they were sent) and its
// messages; each new request of a conversation repeats the one before it and goes on.

/** A beginning of some bytes: how many, and a checksum of them. Two of one length and one checksum count as equal. */
export type PrintMark = readonly [bytes: number, checksum: number];

/** The bytes of one prompt: how far each message reaches and the checksum of everything up to there, without the head. */
export interface PromptPrint {
  readonly head: PrintMark;
  readonly ends: readonly number[];
  readonly checksums: readonly number[];
}

/** What is stored of a prompt's print: of the messages the last one, the second, the fourth, the eighth … from the end. */
export interface PromptMarks {
  readonly head: PrintMark;
  readonly messages: readonly PrintMark[];
}

/** A print of any length in a few marks, so that a prompt that lost its end is still recognised up to near there. */
export function toMarks({ head, ends, checksums }: PromptPrint): PromptMarks {
  const messages: PrintMark[] = [];
  for (let back = 1; back <= ends.length; back *= 2) {
    const at = ends.length - back;
    messages.push([ends[at] ?? 0, checksums[at] ?? 0]);
  }
  return { head, messages };
}

/**
 * The share of a prompt, from 0 to 1, that an earlier one began with byte for byte; null without an earlier one. Exact
 * where the prompt goes on from the earlier one; where it parts from it, the last mark before that place counts.
 */
export function prefixShare(before: PromptMarks | null | undefined, print: PromptPrint): number | null {
  if (!before) return null;
  const [headBytes, headChecksum] = print.head;
  if (before.head[1] !== headChecksum) return 0;
  const whole = headBytes + (print.ends.at(-1) ?? 0);
  const shared = before.messages.find(
    ([bytes, checksum]) => checksum === print.checksums[lastEndingAt(print.ends, bytes)],
  );
  return whole === 0 ? null : (headBytes + (shared?.[0] ?? 0)) / whole;
}

/** The last message that ends at this byte; -1 for none. Messages that are not sent end where the one before them does. */
function lastEndingAt(ends: readonly number[], bytes: number): number {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] ?? 0) <= bytes) low = middle + 1;
    else high = middle;
  }
  return ends[low - 1] === bytes ? low - 1 : -1;
}
