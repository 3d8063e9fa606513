import type { ApiDeps } from '../../api/deps';
import type { Pool } from '../../db/pool';
import { createSearches } from '../../db/search/searches';
import { cachedEmbedder } from '../../db/vectors/embedding-cache';
import { createVectorCache } from '../../db/vectors/vector-cache';
import type { Embedder } from '../../domain/embedder';
import { AppError } from '../../domain/errors';

/** No embedding model is there. */
export const noEmbedder: Embedder = {
  embed: () => Promise.reject(new AppError('MODEL_UNAVAILABLE', 'no embedding model in this test')),
};

/** The archives and searches of an API under test: its own database, this embedder, and no workflows. */
export function testArchives(
  pool: Pool,
  overrides: Partial<ApiDeps['archives']> = {},
): Pick<ApiDeps, 'archives' | 'search'> {
  const embedder = cachedEmbedder(pool, overrides.embedder ?? noEmbedder);
  const search = createSearches({
    pool,
    embedder,
    vectors: createVectorCache(pool),
    onFailure: () => undefined,
  });
  return { search, archives: { startReembed: () => Promise.resolve(), ...overrides, embedder } };
}
