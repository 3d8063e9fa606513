import { createHash } from 'node:crypto';
import type { Embedder } from '../../domain/embedder';
import { storable } from '../json';
import type { Pool } from '../pool';
import { fromBytes, toBytes } from './vector-bytes';

/**
 * The embedder, but no text is asked for twice: vectors are kept by model, dimension and sha256 of the text. They are
 * stored as soon as they come, whatever becomes of the caller.
 */
export function cachedEmbedder(pool: Pool, embedder: Embedder): Embedder {
  return {
    async embed(target, texts, signal) {
      const model = `${target.handle}#${target.dimensions ?? ''}`;
      const hashes = texts.map((text) => createHash('sha256').update(storable(text)).digest());
      const known = await readVectors(pool, model, hashes);
      const at = (index: number): string => hashes[index]?.toString('hex') ?? '';
      const missing = new Map(
        texts.flatMap((text, index) => (known.has(at(index)) ? [] : [[at(index), { text, index }] as const])),
      );
      const asked = [...missing.values()];
      const vectors = asked.length === 0 ? [] : await embedder.embed(target, asked.map(({ text }) => text), signal); // prettier-ignore
      const fresh = asked.flatMap(({ index }, place) => {
        const [hash, vector] = [hashes[index], vectors[place]];
        return hash && vector ? [{ hash, vector }] : [];
      });
      await storeVectors(pool, model, fresh);
      for (const { hash, vector } of fresh) known.set(hash.toString('hex'), vector);
      return texts.flatMap((_text, index) => known.get(at(index)) ?? []);
    },
  };
}

async function readVectors(
  pool: Pool,
  model: string,
  hashes: readonly Buffer[],
): Promise<Map<string, Float32Array>> {
  // Noting the use once a day is enough to keep a row, and spares the write.
  const { rows } = await pool.query<{ content_hash: Buffer; embedding: Buffer }>(
    `with used as (update embedding_cache set used_at = now()
                    where model = $1 and content_hash = any($2) and used_at < now() - interval '1 day')
     select content_hash, embedding from embedding_cache where model = $1 and content_hash = any($2)`,
    [model, hashes],
  );
  return new Map(rows.map((row) => [row.content_hash.toString('hex'), fromBytes(row.embedding)]));
}

async function storeVectors(
  pool: Pool,
  model: string,
  vectors: readonly { readonly hash: Buffer; readonly vector: Float32Array }[],
): Promise<void> {
  if (vectors.length === 0) return;
  await pool.query(
    `insert into embedding_cache (model, content_hash, embedding)
     select $1, * from unnest($2::bytea[], $3::bytea[]) on conflict do nothing`,
    [model, vectors.map(({ hash }) => hash), vectors.map(({ vector }) => toBytes(vector))],
  );
}

/** Forgets vectors that nobody asked for in a month. */
export async function pruneEmbeddingCache(pool: Pool): Promise<void> {
  await pool.query(`delete from embedding_cache where used_at < now() - interval '30 days'`);
}
