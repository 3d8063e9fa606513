import type { Config } from '../config';
import { createArchivalRecall } from '../db/archives/archival-recall';
import { fillDueEmbeddings } from '../db/archives/due-embeddings';
import { cachedEmbedder, pruneEmbeddingCache } from '../db/archives/embedding-cache';
import { createReembedStore } from '../db/archives/reembeds';
import { createPassageSearch } from '../db/archives/search-passages';
import { createPgvectors, preparePgvector } from '../db/archives/pgvector';
import { createVectorCache } from '../db/archives/vector-cache';
import type { Pool } from '../db/pool';
import { createEmbedder } from '../llm/embeddings/embedder';
import { toEmbeddingServer } from '../llm/embeddings/own-models';
import type { Logger } from '../log';
import { startEmbeddingFiller, type EmbeddingFiller } from '../worker/fill-embeddings';

/** Embeddings and the search over archives, as API and worker of a process share them. */
export async function composeArchivalMemory(
  config: Pick<Config, 'providers' | 'embeddings'>,
  pool: Pool,
  log: Logger,
) {
  const embedder = cachedEmbedder(
    pool,
    createEmbedder(config.providers, { own: toEmbeddingServer(config.embeddings) }),
  );
  const onIndexFailure = (error: unknown) =>
    log.warn({ err: error }, 'the index over vectors was not made; searches go on without');
  const search = createPassageSearch({
    pool,
    embedder,
    vectors: (await preparePgvector(pool)) ? createPgvectors(pool, onIndexFailure) : createVectorCache(pool),
    onFailure: (error) => log.warn({ err: error }, 'a search was answered without vectors'),
  });
  const onFailure = (error: unknown) =>
    log.warn({ err: error }, 'embeddings are missing and will be tried again');
  let filler: EmbeddingFiller | null = null;
  return {
    embedder,
    search,
    recall: createArchivalRecall(pool, search),
    reembeds: createReembedStore(pool, embedder),
    /** There may be vectors to compute: if this process does that, it looks at once. */
    fillEmbeddings: () => filler?.wake(),
    /** From now on this process computes missing vectors. Returns how to stop. */
    startFilling(): () => Promise<void> {
      const started = startEmbeddingFiller({
        fill: (signal) => fillDueEmbeddings(pool, embedder, { signal, onFailure }),
        prune: () => pruneEmbeddingCache(pool),
        onError: (error) => log.debug({ err: error }, 'embeddings can not be filled in right now'),
      });
      filler = started;
      return () => started.stop();
    },
  };
}

export type ArchivalMemory = Awaited<ReturnType<typeof composeArchivalMemory>>;
