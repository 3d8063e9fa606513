import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fromBytes, toBytes } from '../../db/vectors/vector-bytes';
import type { Embedder } from '../../domain/embedder';

const HASH_BYTES = 32;
const AT_A_TIME = 256;

/**
 * The embedder, but its vectors are kept in a file of `folder`, one for each model: a run that is stopped goes on where it
 * was, and a second one asks for nothing. `onProgress` hears how many of the missing texts are done.
 */
export function fileCachedEmbedder(
  embedder: Embedder,
  folder: string,
  onProgress: (done: number, of: number) => void,
): Embedder {
  return {
    async embed(target, texts, signal) {
      const size = HASH_BYTES + 4 * (target.dimensions ?? 0);
      fs.mkdirSync(folder, { recursive: true });
      const file = path.join(folder, `${target.handle.replace(/[^\w.-]+/g, '_')}-${target.dimensions}.f32`);
      const known = readVectors(file, size);
      const missing = [...new Set(texts)].filter((text) => !known.has(hashOf(text)));
      for (let from = 0; from < missing.length; from += AT_A_TIME) {
        const batch = missing.slice(from, from + AT_A_TIME);
        const vectors = await embedder.embed(target, batch, signal);
        for (const [place, text] of batch.entries()) known.set(hashOf(text), vectors[place] ?? new Float32Array()); // prettier-ignore
        fs.appendFileSync(file, Buffer.concat(batch.flatMap((text, place) => [Buffer.from(hashOf(text), 'hex'), toBytes(vectors[place] ?? new Float32Array())]))); // prettier-ignore
        onProgress(Math.min(from + AT_A_TIME, missing.length), missing.length);
      }
      return texts.flatMap((text) => known.get(hashOf(text)) ?? []);
    },
  };
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What the file holds. A record that a stopped run left unfinished is cut off. */
function readVectors(file: string, size: number): Map<string, Float32Array> {
  const known = new Map<string, Float32Array>();
  if (!fs.existsSync(file)) return known;
  const bytes = fs.readFileSync(file);
  const whole = bytes.length - (bytes.length % size);
  if (whole < bytes.length) fs.truncateSync(file, whole);
  for (let at = 0; at < whole; at += size)
    known.set(
      bytes.toString('hex', at, at + HASH_BYTES),
      fromBytes(bytes.subarray(at + HASH_BYTES, at + size)),
    );
  return known;
}
