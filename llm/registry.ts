import { AppError } from '../domain/errors';
import type { EmbeddingModelInfo, ModelClient, ModelInfo, ModelRegistry } from '../domain/model';
import { createAnthropicClient } from './anthropic/client';
import { classifyError } from './classify-error';
import { createDemoClient } from './demo/client';
import { DEMO_MODEL } from './demo/model';
import { createGoogleClient } from './google/client';
import { ListingCache } from './listing-cache';
import { describeModel, fetchListing } from './listing';
import { createOpenAiClient } from './openai/client';
import { configuredProviders, publicAddress } from './providers';
import { printed } from './printed';
import type { Provider, ProviderConfig } from './providers';
import { createSerializedPrompts, type SerializedPrompts } from './serialized-prompts';

export type { ProviderConfig, ProviderEndpoint, ProviderKey } from './providers';

export interface ModelRegistryOptions {
  /** How long a provider's list is served before it is renewed (default 5 minutes). */
  readonly listingTtlMs?: number;
  /** How long a listing may take (default 5 s). */
  readonly listingTimeoutMs?: number;
  /** How long a provider that failed to list is left alone (default 10 s). */
  readonly listingRetryMs?: number;
  /** How long a stream may be silent (default 2 minutes). */
  readonly idleTimeoutMs?: number;
  /** How much of serialized prompts is kept (default 64 MB). */
  readonly promptCacheBytes?: number;
  /** Whether replies go on at OpenAI while nobody listens, where an agent does not say (default false). */
  readonly openAiBackground?: boolean;
  /** Pause between the demo model's words (default none). */
  readonly demoDelayMs?: number;
  readonly now?: () => number;
  /** The embedding model of a server of its own; null while it can't be asked. */
  readonly ownEmbedding?: () => Promise<EmbeddingModelInfo | null>;
  /** Told when a provider does not list its models. */
  readonly log?: { warn(facts: object, message: string): void };
}

/** A configured provider with its list and its client. */
interface Offer {
  readonly provider: Provider;
  readonly listing: ListingCache;
  readonly client: ModelClient;
}

/**
 * Models by handle. Nothing is fetched here: lists are asked for when first needed, and a provider that is down
 * breaks neither the start nor the others. Without any provider there is exactly the demo model.
 */
export function createModelRegistry(
  config: ProviderConfig,
  options: ModelRegistryOptions = {},
): ModelRegistry {
  const prompts = createSerializedPrompts(options.promptCacheBytes);
  const offers = configuredProviders(config).map((provider) => toOffer(provider, prompts, options));
  const demo =
    offers.length === 0 ? printed(createDemoClient({ delayMs: options.demoDelayMs ?? 0 }), prompts) : null;

  async function list(): Promise<readonly ModelInfo[]> {
    if (demo) return [DEMO_MODEL];
    const lists = await Promise.all(offers.map((offer) => offer.listing.current()));
    return lists.flatMap((models) => models ?? []);
  }

  function find(handle: string): { readonly offer: Offer; readonly name: string } | null {
    const { providerName, name } = parseHandle(handle);
    const offer = offers.find(({ provider }) => provider.name === providerName);
    return offer && name !== '' ? { offer, name } : null;
  }

  async function resolve(handle: string): Promise<ModelInfo> {
    const found = find(handle);
    if (demo && handle === DEMO_MODEL.handle) return DEMO_MODEL;
    if (!found) throw notFound(handle, await list());
    const { offer, name } = found;
    const byName = (models: readonly ModelInfo[] | null) => models?.find((model) => model.name === name);
    const known = byName(await offer.listing.current()) ?? byName(await offer.listing.renewed());
    if (known) return known;
    // A provider that never listed anything can't be asked; the first call will tell whether the model exists.
    if ((await offer.listing.current()) === null) return describeModel(offer.provider, name);
    throw notFound(handle, await list());
  }

  async function embeddings(): Promise<readonly EmbeddingModelInfo[]> {
    const own = (await options.ownEmbedding?.()) ?? null;
    const listed = offers.flatMap(({ provider }) =>
      provider.name === 'openai' ? openAiEmbeddings(provider) : [],
    );
    return own ? [own, ...listed] : listed;
  }

  return {
    list,
    resolve,
    listEmbeddings: embeddings,
    resolveEmbedding: async (handle) => findEmbedding(handle, await embeddings()),
    defaultEmbedding: async () => (await options.ownEmbedding?.()) ?? null,
    client: async (handle) => {
      if (demo && handle === DEMO_MODEL.handle) return { info: DEMO_MODEL, client: demo };
      const found = find(handle);
      if (!found) throw notFound(handle, await list());
      const { offer, name } = found;
      // An agent keeps its model when the provider stops listing it: the provider itself has the last word.
      const known = (await offer.listing.current())?.find((model) => model.name === name);
      return { info: known ?? describeModel(offer.provider, name), client: offer.client };
    },
  };
}

function toOffer(provider: Provider, prompts: SerializedPrompts, options: ModelRegistryOptions): Offer {
  const {
    listingTimeoutMs = 5000,
    listingTtlMs = 300_000,
    listingRetryMs = 10_000,
    now = Date.now,
  } = options;
  const listing = new ListingCache({
    fetch: () => fetchListing(provider, listingTimeoutMs),
    now,
    ttlMs: listingTtlMs,
    retryMs: listingRetryMs,
    onFailure: (error) => {
      const { message } = classifyError(error, {
        ...provider,
        secrets: [provider.apiKey ?? ''],
        model: 'the list of models',
      });
      options.log?.warn(
        { provider: provider.name },
        `The models of ${provider.label} are not listed: ${message}`,
      );
    },
  });
  return { provider, listing, client: toClient(provider, prompts, options) };
}

function toClient(
  { name, baseUrl, apiKey, label, keyName, dialect }: Provider,
  prompts: SerializedPrompts,
  { idleTimeoutMs = 300_000, openAiBackground = false }: ModelRegistryOptions,
): ModelClient {
  const shared = { baseUrl, label, keyName, idleTimeoutMs };
  switch (dialect) {
    case 'openai':
      return createOpenAiClient({ ...shared, apiKey, prompts, provider: name, background: openAiBackground });
    case 'anthropic':
      return printed(createAnthropicClient({ ...shared, apiKey: apiKey ?? '' }), prompts);
    case 'google':
      return printed(createGoogleClient({ ...shared, apiKey: apiKey ?? '' }), prompts);
  }
}

function parseHandle(handle: string): { readonly providerName: string; readonly name: string } {
  const slash = handle.indexOf('/');
  if (slash < 0) {
    throw new AppError('INVALID_ARGUMENT', 'The model handle should be in the format provider/model-name');
  }
  const providerName = handle.slice(0, slash);
  return {
    providerName: providerName === 'openai-proxy' ? 'openai' : providerName,
    name: handle.slice(slash + 1),
  };
}

function findEmbedding(handle: string, models: readonly EmbeddingModelInfo[]): EmbeddingModelInfo {
  const { providerName, name } = parseHandle(handle);
  const known = models.find((model) => model.handle === `${providerName}/${name}`);
  if (known) return known;
  throw new AppError(
    'INVALID_ARGUMENT',
    unknownHandle(
      handle,
      models.map((model) => model.handle),
    ),
  );
}

const notFound = (handle: string, models: readonly ModelInfo[]): AppError =>
  new AppError(
    'NOT_FOUND',
    unknownHandle(
      handle,
      models.map((model) => model.handle),
    ),
  );

/** Letta's words, list in Python's notation: clients match on them. */
const unknownHandle = (handle: string, known: readonly string[]): string =>
  `Handle ${handle} not found, must be one of [${known.map((one) => `'${one}'`).join(', ')}]`;

const OPENAI_EMBEDDINGS = {
  'text-embedding-ada-002': 1536,
  'text-embedding-3-small': 1536,
  'text-embedding-3-large': 3072,
};

/** OpenAI's embedding models are a fixed list, behind a proxy too. */
function openAiEmbeddings({ name: providerName, baseUrl }: Provider): readonly EmbeddingModelInfo[] {
  return Object.entries(OPENAI_EMBEDDINGS).map(([name, dimensions]) => ({
    handle: `${providerName}/${name}`,
    name,
    providerName,
    providerType: providerName,
    endpoint: publicAddress(baseUrl),
    dimensions,
  }));
}
