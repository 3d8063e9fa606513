import { createHash } from 'node:crypto';
import { sendJson, startFakeServer } from './fake-server';

/** What the fake does with the next requests instead of answering. */
export type EmbeddingTrouble = { readonly status: number } | { readonly vector: unknown } | null;

export interface FakeEmbeddings {
  /** Base URL with `/v1`. */
  readonly url: string;
  /** The texts of each request, in order. */
  readonly requests: readonly (readonly string[])[];
  /** How often each text was asked for. */
  timesAsked(text: string): number;
  /** From now on requests meet this; null ends it. */
  trouble(what: EmbeddingTrouble): void;
  /** Lets so many requests pass and holds the answers of the rest back until the returned function is called. */
  hold(passing?: number): () => void;
  close(): Promise<void>;
}

const DIMENSIONS: Readonly<Record<string, number>> = {
  'text-embedding-3-small': 1536,
  'text-embedding-3-large': 3072,
};

/**
 * An OpenAI-compatible server whose vectors mean something: words of one line of `synonyms` have one direction, and each
 * other word has its own. Texts that share meanings are near each other, whatever their words.
 */
export async function startFakeEmbeddings({
  synonyms = [],
  dimensions = 64,
}: {
  readonly synonyms?: readonly (readonly string[])[];
  readonly dimensions?: number;
} = {}): Promise<FakeEmbeddings> {
  const requests: string[][] = [];
  let trouble: EmbeddingTrouble = null;
  let gate: Promise<void> = Promise.resolve();
  let passing = 0;
  const meaningOf = new Map(
    synonyms.flatMap((words) => words.map((word) => [word, words[0] ?? word] as const)),
  );

  const server = await startFakeServer(async ({ path, raw, res }) => {
    if (path.endsWith('/models')) {
      sendJson(res, 200, { object: 'list', data: [{ id: 'meaning', object: 'model' }] });
      return;
    }
    const { input, model } = JSON.parse(raw.toString()) as { input: string | string[]; model: string };
    const texts = Array.isArray(input) ? input : [input];
    requests.push(texts);
    if (passing > 0) passing -= 1;
    else await gate;
    const now = trouble;
    if (now && 'status' in now) {
      sendJson(res, now.status, { error: { message: 'the fake is in trouble', type: 'server_error' } });
      return;
    }
    const size = DIMENSIONS[model] ?? dimensions;
    const vectorOf = (text: string) => (now ? now.vector : meaningVector(text, size, meaningOf));
    const data = texts.map((text, index) => ({ object: 'embedding', index, embedding: vectorOf(text) }));
    sendJson(res, 200, { object: 'list', model, data, usage: { prompt_tokens: 1, total_tokens: 1 } });
  });
  return {
    url: `${server.origin}/v1`,
    requests,
    timesAsked: (text) => requests.flat().filter((asked) => asked === text).length,
    trouble: (what) => (trouble = what),
    hold(count = 0) {
      passing = count;
      let open = () => {};
      gate = new Promise((resolve) => (open = resolve));
      return open;
    },
    close: () => server.close(),
  };
}

/** The sum of the directions of a text's words. */
export function meaningVector(
  text: string,
  dimensions: number,
  meaningOf: ReadonlyMap<string, string> = new Map(),
): number[] {
  const vector = new Array<number>(dimensions).fill(0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? ['']) {
    const digest = createHash('sha256')
      .update(meaningOf.get(word) ?? word)
      .digest();
    // Two numbers a word: sparse directions of different words are all but orthogonal.
    for (const at of [0, 8]) {
      const place = digest.readUInt32LE(at) % dimensions;
      vector[place] = (vector[place] ?? 0) + (digest.readUInt8(at + 4) % 2 === 0 ? 1 : -1);
    }
  }
  return vector.every((value) => value === 0) ? [1, ...vector.slice(1)] : vector;
}
