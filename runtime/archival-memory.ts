import type { Config } from '../config';
import { createArchivalRecall } from '../db/archives/archival-recall';
import { createReembedStore } from '../db/archives/reembeds';
import { createAgentFiles } from '../db/folders/agent-files';
import type { Pool } from '../db/pool';
import { createStoredProviders } from '../db/providers';
import { createSearches } from '../db/search/searches';
import { cachedEmbedder, pruneEmbeddingCache } from '../db/vectors/embedding-cache';
import { fillEmbeddings } from '../db/vectors/fill-embeddings';
import { createPgvectors, preparePgvector } from '../db/vectors/pgvector';
import { createVectorCache } from '../db/vectors/vector-cache';
import type { ModelDirectory } from '../domain/model';
import { createEmbedder } from '../llm/embeddings/embedder';
import { toEmbeddingServer } from '../llm/embeddings/own-models';
import type { Logger } from '../log';
import { startEmbeddingFiller, type EmbeddingFiller } from '../worker/fill-embeddings';

/** Embeddings and the searches, as API and worker of a process share them. */
export async function composeArchivalMemory(
  config: Pick<Config, 'providers' | 'embeddings'>,
  { pool, models, log }: { readonly pool: Pool; readonly models: ModelDirectory; readonly log: Logger },
) {
  const embedder = cachedEmbedder(
    pool,
    createEmbedder(config.providers, {
      own: toEmbeddingServer(config.embeddings),
      stored: createStoredProviders(pool),
    }),
  );
  const onIndexFailure = (error: unknown) =>
    log.warn({ err: error }, 'the index over vectors was not made; searches go on without');
  const search = createSearches({
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
    recall: createArchivalRecall(pool, search.passages),
    files: createAgentFiles(pool, search.files),
    reembeds: createReembedStore(pool, embedder),
    /** There may be vectors to compute: if this process does that, it looks at once. */
    fillEmbeddings: () => filler?.wake(),
    /** From now on this process computes missing vectors. Returns how to stop. */
    startFilling(): () => Promise<void> {
      const started = startEmbeddingFiller({
        fill: async (signal) => {
          const own = await models.defaultEmbedding();
          const fallback = own && { handle: own.handle, dimensions: own.dimensions };
          return fillEmbeddings({ pool, embedder, onFailure }, fallback, signal);
        },
        prune: () => pruneEmbeddingCache(pool),
        onError: (error) => log.debug({ err: error }, 'embeddings can not be filled in right now'),
      });
      filler = started;
      return () => started.stop();
    },
  };
}

export type ArchivalMemory = Awaited<ReturnType<typeof composeArchivalMemory>>;
