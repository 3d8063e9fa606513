import type { ModelClient } from '../domain/model';
import { createAnthropicClient } from './anthropic/client';
import { classifyError } from './classify-error';
import { createGoogleClient } from './google/client';
import { fetchListing } from './listing';
import { ListingCache } from './listing-cache';
import { createOpenAiClient } from './openai/client';
import { printed } from './printed';
import type { Provider } from './providers';
import type { SerializedPrompts } from './serialized-prompts';

/** How providers are talked to. */
export const LISTING_TIMEOUT_MS = 5_000;

export interface OfferOptions {
  /** How long a provider's list is served before it is renewed (default 5 minutes). */
  readonly listingTtlMs?: number;
  /** How long a listing may take (default 5 s). */
  readonly listingTimeoutMs?: number;
  /** How long a provider that failed to list is left alone (default 10 s). */
  readonly listingRetryMs?: number;
  /** How long a stream may be silent (default 2 minutes). */
  readonly idleTimeoutMs?: number;
  /** Whether replies go on at OpenAI while nobody listens, where an agent does not say (default false). */
  readonly openAiBackground?: boolean;
  readonly now?: () => number;
  /** Told when a provider does not list its models. */
  readonly log?: { warn(facts: object, message: string): void };
}

/** A provider with its list and its client. */
export interface Offer {
  readonly provider: Provider;
  readonly listing: ListingCache;
  readonly client: ModelClient;
}

/** Everything this process has of a provider. Nothing is fetched yet. */
export function toOffer(provider: Provider, prompts: SerializedPrompts, options: OfferOptions): Offer {
  const {
    listingTimeoutMs = LISTING_TIMEOUT_MS,
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
  { type, account, baseUrl, apiKey, label, keyName, dialect }: Provider,
  prompts: SerializedPrompts,
  { idleTimeoutMs = 300_000, openAiBackground = false }: OfferOptions,
): ModelClient {
  const shared = { baseUrl, label, keyName, idleTimeoutMs };
  switch (dialect) {
    case 'openai':
      return createOpenAiClient({
        ...shared,
        apiKey,
        prompts,
        provider: type,
        ...(account !== undefined && { account }),
        background: openAiBackground,
      });
    case 'anthropic':
      return printed(createAnthropicClient({ ...shared, apiKey: apiKey ?? '' }), prompts);
    case 'google':
      return printed(createGoogleClient({ ...shared, apiKey: apiKey ?? '' }), prompts);
  }
}
