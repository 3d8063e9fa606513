import type { ModelInfo } from '../domain/model';

export interface ListingCacheOptions {
  readonly fetch: () => Promise<readonly ModelInfo[]>;
  readonly now: () => number;
  readonly ttlMs: number;
  /** How long a provider that failed is left alone. */
  readonly retryMs: number;
  readonly onFailure: (error: unknown) => void;
}

/**
 * One provider's list of models. It never throws: a provider that is down leaves the last list in place. At most one
 * request is under way; whoever has a list is served at once while an old one is renewed behind it.
 */
export class ListingCache {
  private models: readonly ModelInfo[] | null = null;
  private fetchedAt = Number.NEGATIVE_INFINITY;
  private failedAt = Number.NEGATIVE_INFINITY;
  private underWay: Promise<boolean> | null = null;

  constructor(private readonly options: ListingCacheOptions) {}

  /** The known models; null when the provider never answered (or lists nothing). */
  async current(): Promise<readonly ModelInfo[] | null> {
    const isOld = this.options.now() - this.fetchedAt > this.options.ttlMs;
    if (this.models === null) await this.renew();
    else if (isOld) void this.renew();
    return this.models;
  }

  /** The models as the provider lists them this moment (a second ago at most), for a name the cache does not know. */
  async renewed(): Promise<readonly ModelInfo[] | null> {
    if (this.options.now() - this.fetchedAt > 1000) await this.renew();
    return this.models;
  }

  /** Asks the provider however lately it failed; whether it answered with a list. */
  refresh(): Promise<boolean> {
    this.failedAt = Number.NEGATIVE_INFINITY;
    return this.renew();
  }

  private renew(): Promise<boolean> {
    if (this.options.now() - this.failedAt < this.options.retryMs) return Promise.resolve(false);
    this.underWay ??= this.fetch().finally(() => {
      this.underWay = null;
    });
    return this.underWay;
  }

  private async fetch(): Promise<boolean> {
    try {
      const models = await this.options.fetch();
      if (models.length > 0) this.models = models;
      else this.failedAt = this.options.now();
      this.fetchedAt = this.options.now();
      return true;
    } catch (error) {
      // A provider that is down must not break the list of the others; calls to its models will tell the reason.
      this.failedAt = this.options.now();
      this.options.onFailure(error);
      return false;
    }
  }
}
