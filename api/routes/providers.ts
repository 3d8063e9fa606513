import { Router } from 'express';
import {
  deleteProvider,
  getProvider,
  insertProvider,
  listProviders,
  markProviderSynced,
  updateProvider,
} from '../../db/providers';
import { AppError } from '../../domain/errors';
import type { StoredProvider } from '../../domain/provider';
import { newId } from '../../new-id';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import {
  ListProvidersQuery,
  parseProvider,
  parseProviderCheck,
  parseProviderUpdate,
  toWireProvider,
} from '../wire/provider';
import { parseQuery } from '../wire/validation';

/** Providers of models that users bring with keys of their own; the environment's are not among them. */
export function providerRoutes({ db, providers }: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { providerId: 'provider' });
  const toWire = (provider: StoredProvider) => toWireProvider(provider, addressOf(provider));

  /** Null for one that this version can't call: it is still there to be seen and deleted. */
  function addressOf(provider: StoredProvider): string | null {
    try {
      return providers.addressOf(provider);
    } catch (error) {
      if (error instanceof AppError) return null;
      throw error;
    }
  }

  router.get('/providers', async (req, res) => {
    const { name, provider_type: providerType, ...page } = parseQuery(ListProvidersQuery, req.query);
    res.json((await listProviders(db, { name, providerType }, page)).map(toWire));
  });

  /** As in the original a provider that does not list its models now is stored all the same. */
  router.post('/providers', async (req, res) => {
    const fields = parseProvider(req.body);
    providers.assertUsable(fields);
    const stored = await insertProvider(db, { ...fields, id: newId('provider') });
    res.json(toWire(await refreshed(stored)));
  });

  router.post('/providers/check', async (req, res) => {
    const fields = parseProviderCheck(req.body);
    await providers.check(fields);
    res.json(validKey(fields.providerType));
  });

  router.get('/providers/:providerId', async (req, res) => {
    res.json(toWire(await getProvider(db, req.params.providerId)));
  });

  router.patch('/providers/:providerId', async (req, res) => {
    const change = parseProviderUpdate(req.body);
    const changed = await updateProvider(db, req.params.providerId, (provider) => {
      const fields = change(provider);
      providers.assertUsable(fields);
      return fields;
    });
    res.json(toWire(changed));
  });

  router.delete('/providers/:providerId', async (req, res) => {
    const { providerId } = req.params;
    await deleteProvider(db, providerId);
    res.json({ message: `Provider id=${providerId} successfully deleted` });
  });

  router.post('/providers/:providerId/check', async (req, res) => {
    const provider = await getProvider(db, req.params.providerId);
    await providers.check(provider);
    res.json(validKey(provider.providerType));
  });

  router.patch('/providers/:providerId/refresh', async (req, res) => {
    res.json(toWire(await refreshed(await getProvider(db, req.params.providerId))));
  });

  /** The provider after its list of models was read anew; as it is when it did not answer. */
  const refreshed = async (provider: StoredProvider): Promise<StoredProvider> =>
    (await providers.refresh(provider)) ? markProviderSynced(db, provider.id) : provider;

  return router;
}

const validKey = (providerType: string) => ({ message: `Valid api key for provider_type=${providerType}` });
