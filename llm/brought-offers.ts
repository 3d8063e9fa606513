import { AppError } from '../domain/errors';
import type { StoredProvider, StoredProviders } from '../domain/provider';
import type { Offer } from './offers';

/** The offers of providers that users brought. */
export interface BroughtOffers {
  /** Those with models to list, oldest first. */
  all(): Promise<readonly Offer[]>;
  /** The one of this name; null without one. `MODEL_BAD_REQUEST` if this server can't call it. */
  find(name: string): Promise<Offer | null>;
  /** Reads the list of the provider's models anew; whether that worked. */
  refresh(row: StoredProvider): Promise<boolean>;
}

interface Kept {
  readonly version: number;
  readonly offer: Offer;
  lastSynced: Date | null;
}

export interface BroughtOffersOptions {
  readonly stored: StoredProviders;
  readonly toOffer: (provider: StoredProvider) => Offer;
  /** Whether the server has a provider of this name itself, which then wins. */
  readonly isOwn: (name: string) => boolean;
}

/**
 * Brought providers are stored elsewhere, so each look asks for the rows: what another process stored, changed or deleted
 * counts at once. Lists and clients are kept as long as a row's version stays.
 */
export function createBroughtOffers({ stored, toOffer, isOwn }: BroughtOffersOptions): BroughtOffers {
  const kept = new Map<string, Kept>();

  function keep(row: StoredProvider): Kept {
    const known = kept.get(row.id);
    if (known?.version === row.version) return known;
    const made = { version: row.version, offer: toOffer(row), lastSynced: row.lastSynced };
    kept.set(row.id, made);
    return made;
  }

  /** With a list as new as the last one that any process was asked to read. */
  async function withList(row: StoredProvider): Promise<readonly Offer[]> {
    try {
      const known = keep(row);
      if ((row.lastSynced?.getTime() ?? 0) > (known.lastSynced?.getTime() ?? 0)) {
        known.lastSynced = row.lastSynced;
        await known.offer.listing.refresh();
      }
      return [known.offer];
    } catch (error) {
      // What can't be called (its type lost its client) has no models; its steps tell why.
      if (error instanceof AppError) return [];
      throw error;
    }
  }

  return {
    async all() {
      const rows = await stored.list();
      const ids = new Set(rows.map(({ id }) => id));
      for (const id of kept.keys()) if (!ids.has(id)) kept.delete(id);
      return (await Promise.all(rows.filter(({ name }) => !isOwn(name)).map(withList))).flat();
    },

    async find(name) {
      const row = await stored.byName(name);
      if (!row) return null;
      try {
        return keep(row).offer;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        throw new AppError('MODEL_BAD_REQUEST', error.message, { cause: error });
      }
    },

    refresh: (row) => keep(row).offer.listing.refresh(),
  };
}
