import { AppError } from '../domain/errors';
import type { EmbeddingModelInfo, ModelInfo, ModelRegistry } from '../domain/model';
import type { ProviderAccess, ProviderFields, StoredProviders } from '../domain/provider';
import { type BroughtOffers, createBroughtOffers } from './brought-offers';
import { checkProvider } from './check-provider';
import { createDemoClient } from './demo/client';
import { DEMO_MODEL } from './demo/model';
import { describeModel } from './listing';
import { LISTING_TIMEOUT_MS, type Offer, type OfferOptions, toOffer } from './offers';
import { printed } from './printed';
import { broughtProvider, configuredProviders, publicAddress } from './providers';
import type { Provider, ProviderConfig } from './providers';
import { createSerializedPrompts } from './serialized-prompts';

export type { ProviderConfig, ProviderEndpoint, ProviderKey } from './providers';

export interface ModelRegistryOptions extends OfferOptions {
  /** How much of serialized prompts is kept (default 64 MB). */
  readonly promptCacheBytes?: number;
  /** Pause between the demo model's words (default none). */
  readonly demoDelayMs?: number;
  /** The embedding model of a server of its own; null while it can't be asked. */
  readonly ownEmbedding?: () => Promise<EmbeddingModelInfo | null>;
  /** Where providers are that users brought; without it there are none. */
  readonly stored?: StoredProviders;
}

/** The models of a process, and what else may be asked of providers that users bring. */
export interface Models extends ModelRegistry {
  readonly providers: ProviderAccess;
}

/**
 * Models by handle. Nothing is fetched here: lists are asked for when first needed, and a provider that is down
 * breaks neither the start nor the others. Without any provider in `config` there is the demo model.
 */
export function createModelRegistry(config: ProviderConfig, options: ModelRegistryOptions = {}): Models {
  const prompts = createSerializedPrompts(options.promptCacheBytes);
  const offers = configuredProviders(config).map((provider) => toOffer(provider, prompts, options));
  const demo =
    offers.length === 0 ? printed(createDemoClient({ delayMs: options.demoDelayMs ?? 0 }), prompts) : null;
  const isOwn = (name: string): boolean => offers.some(({ provider }) => provider.name === name);
  const brought = createBroughtOffers({
    stored: options.stored ?? NONE_STORED,
    toOffer: (row) =>
      toOffer({ ...broughtProvider(row, config), account: `${row.id}/${row.version}` }, prompts, options),
    isOwn,
  });

  async function list(): Promise<readonly ModelInfo[]> {
    const all = [...offers, ...(await brought.all())];
    const lists = await Promise.all(all.map((offer) => offer.listing.current()));
    return [...(demo ? [DEMO_MODEL] : []), ...lists.flatMap((models) => models ?? [])];
  }

  /** The server's own providers come first: only a name that is none of theirs is looked up. */
  async function find(handle: string): Promise<{ readonly offer: Offer; readonly name: string } | null> {
    const { providerName, name } = parseHandle(handle);
    if (name === '') return null;
    const offer =
      offers.find(({ provider }) => provider.name === providerName) ?? (await brought.find(providerName));
    return offer && { offer, name };
  }

  async function resolve(handle: string): Promise<ModelInfo> {
    if (demo && handle === DEMO_MODEL.handle) return DEMO_MODEL;
    const found = await find(handle);
    if (!found) throw notFound(handle, await list());
    const { offer, name } = found;
    const byName = (models: readonly ModelInfo[] | null) => models?.find((model) => model.name === name);
    const known = byName(await offer.listing.current()) ?? byName(await offer.listing.renewed());
    if (known) return known;
    // A provider that never listed anything can't be asked; the first call will tell whether the model exists.
    if ((await offer.listing.current()) === null) return describeModel(offer.provider, name);
    throw notFound(handle, await list());
  }

  return {
    list,
    resolve,
    ...embeddingModels(async () => [...offers, ...(await brought.all())], options),
    providers: toAccess(config, { brought, isOwn, timeoutMs: options.listingTimeoutMs }),
    client: async (handle) => {
      if (demo && handle === DEMO_MODEL.handle) return { info: DEMO_MODEL, client: demo };
      const found = await find(handle);
      if (!found) throw providerGone(handle);
      const { offer, name } = found;
      // An agent keeps its model when the provider stops listing it: the provider itself has the last word.
      const known = (await offer.listing.current())?.find((model) => model.name === name);
      return { info: known ?? describeModel(offer.provider, name), client: offer.client };
    },
  };
}

const NONE_STORED: StoredProviders = {
  list: () => Promise.resolve([]),
  byName: () => Promise.resolve(null),
};

// First parts of handles that mean something else, whatever providers there are.
const TAKEN_NAMES: readonly string[] = ['everturn', 'openai-proxy'];

function toAccess(
  config: ProviderConfig,
  parts: {
    readonly brought: BroughtOffers;
    readonly isOwn: (name: string) => boolean;
    readonly timeoutMs: number | undefined;
  },
): ProviderAccess {
  const { brought, isOwn, timeoutMs = LISTING_TIMEOUT_MS } = parts;
  const toProvider = (fields: ProviderFields): Provider => broughtProvider(fields, config);
  return {
    assertUsable(fields) {
      if (isOwn(fields.name) || TAKEN_NAMES.includes(fields.name)) throw ownName(fields.name);
      toProvider(fields);
    },
    addressOf: (fields) => publicAddress(toProvider(fields).baseUrl),
    check: async (fields) => checkProvider(toProvider(fields), timeoutMs),
    refresh: async (provider) => brought.refresh(provider),
  };
}

const ownName = (name: string): AppError =>
  new AppError(
    'INVALID_ARGUMENT',
    `The server itself has the provider name '${name}'. Choose another name for the provider.`,
  );

const providerGone = (handle: string): AppError =>
  new AppError(
    'MODEL_NOT_FOUND',
    `There is no provider '${parseHandle(handle).providerName}' for model ${handle}: it was deleted, or is not ` +
      'configured on this server. Store it again (POST /v1/providers/), or give the agent another model.',
  );

function embeddingModels(all: () => Promise<readonly Offer[]>, { ownEmbedding }: ModelRegistryOptions) {
  const own = async (): Promise<EmbeddingModelInfo | null> => (await ownEmbedding?.()) ?? null;
  async function listEmbeddings(): Promise<readonly EmbeddingModelInfo[]> {
    const first = await own();
    const listed = (await all()).flatMap(({ provider }) =>
      provider.type === 'openai' ? openAiEmbeddings(provider) : [],
    );
    return first ? [first, ...listed] : listed;
  }
  return {
    listEmbeddings,
    resolveEmbedding: async (handle: string) => findEmbedding(handle, await listEmbeddings()),
    defaultEmbedding: own,
  };
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
function openAiEmbeddings({ name: providerName, type, baseUrl }: Provider): readonly EmbeddingModelInfo[] {
  return Object.entries(OPENAI_EMBEDDINGS).map(([name, dimensions]) => ({
    handle: `${providerName}/${name}`,
    name,
    providerName,
    providerType: type,
    endpoint: publicAddress(baseUrl),
    dimensions,
  }));
}
