import type { EmbeddingModelInfo } from '../../domain/model';
import { publicAddress } from '../providers';
import { createEmbeddingEndpoint, type EmbeddingServer } from './endpoint';

/** The server that EMBEDDINGS_BASE_URL names. */
export interface EmbeddingsConfig {
  readonly baseUrl: string;
  readonly apiKey: string | null;
  /** Null takes the first model that the server lists. */
  readonly model: string | null;
}

/** First part of the handles of the server that EMBEDDINGS_BASE_URL names. */
const NAME = 'embeddings';
const TIMEOUT_MS = 10_000;
const RETRY_MS = 10_000;

/** The configured server as the embedder knows it; null without one. */
export const toEmbeddingServer = (config: EmbeddingsConfig | null): EmbeddingServer | null =>
  config && {
    name: NAME,
    label: 'EMBEDDINGS_BASE_URL',
    keyName: 'EMBEDDINGS_API_KEY',
    apiKey: config.apiKey,
    baseUrl: config.baseUrl.replace(/\/+$/, ''),
  };

/**
 * The model of that server, found out when first asked for: its name, and how many numbers its vectors have. Null while the
 * server can't be asked, for ten seconds at a time.
 */
export function createOwnEmbeddingModel(
  config: EmbeddingsConfig,
  log?: { warn(facts: object, message: string): void },
): () => Promise<EmbeddingModelInfo | null> {
  const server = toEmbeddingServer(config) as EmbeddingServer; // There is a configuration.
  const endpoint = createEmbeddingEndpoint(server, TIMEOUT_MS);
  let known: EmbeddingModelInfo | null = null;
  let underWay: Promise<EmbeddingModelInfo | null> | null = null;
  let failedAt = Number.NEGATIVE_INFINITY;

  async function discover(): Promise<EmbeddingModelInfo | null> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const name = config.model ?? (await endpoint.models(signal))[0];
      if (name === undefined) throw new Error('it lists no model; set EMBEDDINGS_MODEL');
      const [vector] = await endpoint.embed(name, ['dimension'], { dimensions: null, signal });
      known = {
        handle: `${NAME}/${name}`,
        name,
        providerName: NAME,
        providerType: 'openai',
        endpoint: publicAddress(server.baseUrl),
        dimensions: vector?.length ?? 0,
      };
      return known;
    } catch (error) {
      failedAt = Date.now();
      log?.warn({ err: error }, 'the server at EMBEDDINGS_BASE_URL gives no embeddings');
      return null;
    }
  }

  return async () => {
    if (known || Date.now() - failedAt < RETRY_MS) return known;
    underWay ??= discover().finally(() => (underWay = null));
    return underWay;
  };
}
