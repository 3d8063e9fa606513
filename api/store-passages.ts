import type { Request } from 'express';
import { findSamePassages } from '../db/archives/same-passages';
import { type EmbeddedPassage, getPassages, insertPassages } from '../db/archives/passages';
import { inTransaction, type Queryable } from '../db/pool';
import {
  type Archive,
  checkPassageText,
  dimensionsOf,
  type NewPassage,
  type Passage,
} from '../domain/archive';
import { AppError } from '../domain/errors';
import { derivedId } from '../new-id';
import type { ApiDeps } from './deps';
import { isResent } from './request-identity';

const EMBED_TIMEOUT_MS = 30_000;

/** Where passages go, and what will embed them. */
export interface PassageTarget {
  /** What passages are embedded with if the archive is as it was when the request came. */
  readonly archive: Pick<Archive, 'embedding' | 'embeddingConfig'>;
  /** The archive itself, in the transaction that stores them. */
  readonly open: (db: Queryable) => Promise<Pick<Archive, 'id'>>;
}

/**
 * Stores passages with their vectors, all or none. A model that gives no answer does not keep them from being stored: a
 * worker fills the vectors in. One that gives vectors of the wrong form does, and says so. A request that is sent again stores
 * nothing twice.
 */
export async function storePassages(
  { db, archives, log }: Pick<ApiDeps, 'db' | 'archives' | 'log'>,
  { archive, open }: PassageTarget,
  passages: readonly NewPassage[],
  req: Request,
): Promise<readonly Passage[]> {
  for (const { text } of passages) checkPassageText(text);
  const vectors = await embed();
  return inTransaction(db, async (tx) => {
    const { id } = await open(tx);
    const named = await nameAgain(tx, id, passages, req);
    await insertPassages(
      tx,
      id,
      named.map((passage, index): EmbeddedPassage => ({ passage, embedding: toEmbedding(vectors[index]) })),
    );
    return getPassages(tx, named.map((passage) => passage.id)); // prettier-ignore
  });

  function toEmbedding(vector: Float32Array | undefined): EmbeddedPassage['embedding'] {
    return vector && archive.embedding !== null ? { model: archive.embedding, vector } : null;
  }

  async function embed(): Promise<readonly Float32Array[]> {
    if (archive.embedding === null || passages.length === 0) return [];
    const target = { handle: archive.embedding, dimensions: dimensionsOf(archive.embeddingConfig) };
    try {
      const signal = AbortSignal.timeout(EMBED_TIMEOUT_MS);
      return await archives.embedder.embed(target, passages.map(({ text }) => text), signal); // prettier-ignore
    } catch (error) {
      if (error instanceof AppError && error.facts['isRefused'] === true) throw error;
      log.warn({ err: error }, 'passages are stored without embeddings, which a worker fills in');
      return [];
    }
  }
}

/** The passages under the ids that an earlier attempt of the same request gave them, if there was one. */
async function nameAgain(
  db: Queryable,
  archiveId: string,
  passages: readonly NewPassage[],
  req: Request,
): Promise<readonly NewPassage[]> {
  const key = req.get('idempotency-key');
  if (key) {
    return passages.map((passage, index) => ({
      ...passage,
      id: derivedId('passage', 'request', archiveId, key, index),
    }));
  }
  if (!isResent(req)) return passages;
  const known = await findSamePassages(db, archiveId, passages);
  return passages.map((passage, index) => ({ ...passage, id: known[index] ?? passage.id }));
}
