import { setTimeout as sleep } from 'node:timers/promises';
import type { Embedder, EmbeddingTarget } from '../../domain/embedder';
import { AppError, isRetryable } from '../../domain/errors';
import type { StoredProviders } from '../../domain/provider';
import { broughtProvider, configuredProviders, type ProviderConfig } from '../providers';
import { createEmbeddingEndpoint, type EmbeddingEndpoint, type EmbeddingServer } from './endpoint';

// Models read some 8,000 tokens at most; a text is known by its beginning. Few tokens are shorter than a character.
const LONGEST_TEXT = 8_000;
const SHORTEST_CUT = 1_000;
const BATCH = { texts: 64, characters: 100_000 };
const ATTEMPTS = 3;
const PAUSE_MS = 200;
const TIMEOUT_MS = 30_000;

export interface EmbedderOptions {
  /** A server for embeddings alone; its models are `embeddings/...`. */
  readonly own?: EmbeddingServer | null;
  /** Where providers are that users brought; without it there are none. */
  readonly stored?: StoredProviders;
  readonly timeoutMs?: number;
}

/**
 * Embeddings of providers that speak OpenAI's API, configured or brought by users, in batches, each asked for up to three times. A text
 * that the model finds too long is cut until it is not.
 */
export function createEmbedder(config: ProviderConfig, options: EmbedderOptions = {}): Embedder {
  const { own = null, stored, timeoutMs = TIMEOUT_MS } = options;
  const providers = configuredProviders(config).filter(({ dialect }) => dialect === 'openai');
  const servers: readonly EmbeddingServer[] = own ? [own, ...providers] : providers;
  const endpoints = new Map(
    servers.map((server) => [server.name, createEmbeddingEndpoint(server, timeoutMs)]),
  );

  const brought = new Map<string, { readonly version: string; readonly endpoint: EmbeddingEndpoint }>();

  /** As its row is now: what another process stored, changed or deleted counts at once. */
  async function findBrought(name: string): Promise<EmbeddingEndpoint | null> {
    const row = await stored?.byName(name);
    if (!row) return null;
    const version = `${row.id}/${row.version}`;
    const known = brought.get(name);
    if (known?.version === version) return known.endpoint;
    const provider = broughtProvider(row, config);
    if (provider.dialect !== 'openai') return null;
    const endpoint = createEmbeddingEndpoint(provider, timeoutMs);
    brought.set(name, { version, endpoint });
    return endpoint;
  }

  return {
    async embed({ handle, dimensions }, texts, signal) {
      const at = handle.indexOf('/');
      const name = handle.slice(0, at);
      const endpoint = endpoints.get(name) ?? (await findBrought(name));
      if (!endpoint) throw unknownProvider(handle);
      const ask = { endpoint, model: handle.slice(at + 1), dimensions, signal };
      const vectors: Float32Array[] = [];
      for (const batch of batches(texts.map((text) => beginning(text, LONGEST_TEXT))))
        vectors.push(...(await embedBatch(ask, batch)));
      return vectors;
    },
  };
}

interface Ask {
  readonly endpoint: EmbeddingEndpoint;
  readonly model: string;
  readonly dimensions: EmbeddingTarget['dimensions'];
  readonly signal: AbortSignal;
}

async function embedBatch(ask: Ask, texts: readonly string[]): Promise<readonly Float32Array[]> {
  try {
    return await withRetries(ask.signal, () => ask.endpoint.embed(ask.model, texts, ask));
  } catch (error) {
    if (!isAboutTexts(error)) throw error;
    // One text of a batch may be what the model refuses: each is asked for alone.
    if (texts.length > 1) return (await Promise.all(texts.map((text) => embedBatch(ask, [text])))).flat();
    const [text = ''] = texts;
    if (text.length <= SHORTEST_CUT) throw error;
    return embedBatch(ask, [beginning(text, Math.ceil(text.length / 2))]);
  }
}

const isAboutTexts = (error: unknown): boolean =>
  error instanceof AppError &&
  ['MODEL_BAD_REQUEST', 'MODEL_CONTEXT_OVERFLOW'].includes(error.code) &&
  error.facts['isRefused'] !== true;

async function withRetries<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call();
    } catch (error) {
      const canRetry = error instanceof AppError && isRetryable(error.code) && attempt < ATTEMPTS;
      if (!canRetry || signal.aborted) throw error;
      await sleep(error.retryAfterMs ?? PAUSE_MS * 2 ** (attempt - 1), undefined, { signal });
    }
  }
}

function* batches(texts: readonly string[]): Generator<readonly string[]> {
  let batch: string[] = [];
  let characters = 0;
  for (const text of texts) {
    const isFull = batch.length === BATCH.texts || characters + text.length > BATCH.characters;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(text);
    characters += text.length;
  }
  if (batch.length > 0) yield batch;
}

/** The first `length` UTF-16 units of a text, without half a character at the end. */
const beginning = (text: string, length: number): string =>
  text.length <= length ? text : text.slice(0, length).replace(/[\ud800-\udbff]$/, '');

const unknownProvider = (handle: string): AppError =>
  new AppError(
    'MODEL_NOT_FOUND',
    `No provider for embedding model ${handle} is configured. Set its key or address, or EMBEDDINGS_BASE_URL.`,
  );
