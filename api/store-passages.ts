import type { Request } from 'express';
import { type EmbeddedPassage, getPassages, insertPassages } from '../db/archives/passages';
import { inTransaction, type Queryable } from '../db/pool';
import { storeOnce } from '../db/sent-requests';
import {
  type Archive,
  checkPassageText,
  dimensionsOf,
  type NewPassage,
  type Passage,
} from '../domain/archive';
import { AppError } from '../domain/errors';
import type { ApiDeps } from './deps';
import { requestIdentity } from './request-identity';

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
  const identity = requestIdentity(req, { kind: 'passages', place: req.path });
  const vectors = await embed();
  const embedded = passages.map((passage, index): EmbeddedPassage => ({ passage, embedding: toEmbedding(vectors[index]) })); // prettier-ignore
  return inTransaction(db, async (tx) => {
    const { id: place } = await open(tx);
    const find = (ids: readonly string[]) => getPassages(tx, ids);
    const store = async () => {
      await insertPassages(tx, place, embedded);
      return find(passages.map(({ id }) => id));
    };
    return storeOnce(tx, { place, identity }, { find, store });
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
