import type { ApiDeps } from '../../api/deps';
import { cachedEmbedder } from '../../db/archives/embedding-cache';
import { createPassageSearch } from '../../db/archives/search-passages';
import { createVectorCache } from '../../db/archives/vector-cache';
import type { Pool } from '../../db/pool';
import type { Embedder } from '../../domain/embedder';
import { AppError } from '../../domain/errors';

/** No embedding model is there. */
export const noEmbedder: Embedder = {
  embed: () => Promise.reject(new AppError('MODEL_UNAVAILABLE', 'no embedding model in this test')),
};

/** The archives of an API under test: its own database, this embedder, and no workflows. */
export function testArchives(pool: Pool, overrides: Partial<ApiDeps['archives']> = {}): ApiDeps['archives'] {
  const embedder = cachedEmbedder(pool, overrides.embedder ?? noEmbedder);
  const search = createPassageSearch({
    pool,
    embedder,
    vectors: createVectorCache(pool),
    onFailure: () => undefined,
  });
  return { search, startReembed: () => Promise.resolve(), ...overrides, embedder };
}
