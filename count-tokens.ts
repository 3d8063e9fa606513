import type { CountTokens } from './domain/context-size';

// The encoder takes quadratic time on text without spaces (Chinese, base64): short pieces bound that, at the price of
// counting up to one token too many for each.
const PIECE = 256;
// The event loop is given back between slices of this many characters, so that heartbeats and streams go on.
const SLICE = 100_000;

type Encoder = (text: string) => number;
let encoder: Promise<Encoder> | undefined;

/**
 * Counts tokens as OpenAI's newest models do (o200k); for other models it is an estimate. The encoder costs 75 MB, so it
 * is loaded when something is counted for the first time.
 */
export const countTokens: CountTokens = async (texts) => {
  const count = await (encoder ??= loadEncoder());
  const counts: number[] = [];
  let sinceBreak = 0;
  for (const text of texts) {
    let tokens = 0;
    for (let at = 0; at < text.length; at += PIECE) {
      tokens += count(text.slice(at, at + PIECE));
      sinceBreak += PIECE;
      if (sinceBreak < SLICE) continue;
      sinceBreak = 0;
      await new Promise((resume) => setImmediate(resume));
    }
    counts.push(tokens);
  }
  return counts;
};

async function loadEncoder(): Promise<Encoder> {
  const o200k = await import('gpt-tokenizer/encoding/o200k_base');
  // Texts may name special tokens; here they are text like any other.
  const options = { disallowedSpecial: new Set<string>() };
  return (text) => o200k.countTokens(text, options);
}
