import { AppError } from '../domain/errors';
import type { ProviderFields, ProviderType, StoredProvider, StoredProviders } from '../domain/provider';
import { toJsonb } from './json';
import { createConditions, type Page, selectPage } from './keyset';
import { inTransaction, type Pool, type Queryable } from './pool';

const COLUMNS = `providers.id, providers.name, providers.provider_type as "providerType", providers.base_url as "baseUrl",
  providers.region, providers.api_version as "apiVersion", providers.secrets->>'apiKey' as "apiKey",
  providers.secrets->>'accessKey' as "accessKey", providers.version, providers.updated_at as "updatedAt",
  providers.last_synced as "lastSynced"`;
const SELECT = `select ${COLUMNS} from providers`;

const providerNotFound = (id: string): AppError =>
  new AppError('NOT_FOUND', `Provider not found with id='${id}'`);

const nameTaken = (name: string): AppError =>
  new AppError(
    'CONFLICT',
    `A provider named '${name}' exists already. Change that one, or choose another name.`,
  );

const toSecrets = ({ apiKey, accessKey }: Pick<ProviderFields, 'apiKey' | 'accessKey'>): string =>
  toJsonb({ apiKey, accessKey });

/**
 * Stores a provider. Again with the same fields (a request that was sent again) changes nothing and returns the stored
 * one; others under a name that is taken are a CONFLICT.
 */
export async function insertProvider(
  db: Queryable,
  provider: ProviderFields & { readonly id: string },
): Promise<StoredProvider> {
  const { rows } = await db.query<StoredProvider>(
    `with made as (insert into providers (id, name, provider_type, base_url, region, api_version, secrets)
                   values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) do nothing returning *)
     select ${COLUMNS} from made providers
     union all
     select ${COLUMNS} from providers
      where name = $2 and provider_type = $3 and secrets = $7
        and (base_url, region, api_version) is not distinct from ($4::text, $5::text, $6::text)`,
    [
      provider.id,
      provider.name,
      provider.providerType,
      provider.baseUrl,
      provider.region,
      provider.apiVersion,
      toSecrets(provider),
    ],
  );
  if (rows[0]) return rows[0];
  throw nameTaken(provider.name);
}

/** The provider with this id; NOT_FOUND without one. `lock` holds it until the transaction ends. */
export async function getProvider(
  db: Queryable,
  id: string,
  { lock = false }: { readonly lock?: boolean } = {},
): Promise<StoredProvider> {
  const { rows } = await db.query<StoredProvider>(`${SELECT} where id = $1 ${lock ? 'for update' : ''}`, [
    id,
  ]);
  if (rows[0]) return rows[0];
  throw providerNotFound(id);
}

/** Writes the provider as `change` makes it of the stored one; clients of older versions are not used any more. */
export function updateProvider(
  pool: Pool,
  id: string,
  change: (provider: StoredProvider) => ProviderFields,
): Promise<StoredProvider> {
  return inTransaction(pool, async (db) => {
    const changed = change(await getProvider(db, id, { lock: true }));
    const { rows } = await db.query<StoredProvider>(
      `update providers set base_url = $2, region = $3, api_version = $4, secrets = $5, version = version + 1,
              updated_at = now()
        where id = $1 returning ${COLUMNS}`,
      [id, changed.baseUrl, changed.region, changed.apiVersion, toSecrets(changed)],
    );
    return rows[0] as StoredProvider; // locked above
  });
}

/** Notes that the provider's models were read this moment; NOT_FOUND if it was deleted meanwhile. */
export async function markProviderSynced(db: Queryable, id: string): Promise<StoredProvider> {
  const { rows } = await db.query<StoredProvider>(
    `update providers set last_synced = now() where id = $1 returning ${COLUMNS}`,
    [id],
  );
  if (rows[0]) return rows[0];
  throw providerNotFound(id);
}

/** Deletes a provider with its keys; agents keep the handles of its models. NOT_FOUND without one. */
export async function deleteProvider(db: Queryable, id: string): Promise<void> {
  const { rowCount } = await db.query('delete from providers where id = $1', [id]);
  if (rowCount === 0) throw providerNotFound(id);
}

export interface ProviderFilter {
  readonly name?: string | undefined;
  readonly providerType?: ProviderType | undefined;
}

/** One page of the providers that match every given filter. */
export function listProviders(
  db: Queryable,
  { name, providerType }: ProviderFilter,
  page: Page,
): Promise<readonly StoredProvider[]> {
  const conditions = createConditions();
  if (name !== undefined) conditions.add('providers.name = ?', name);
  if (providerType !== undefined) conditions.add('providers.provider_type = ?', providerType);
  return selectPage<StoredProvider>(db, {
    table: 'providers',
    select: SELECT,
    where: conditions.where,
    values: conditions.values,
    sortBy: (t) => `${t}.created_at`,
    page,
  });
}

/** The stored providers as the list of models knows them. */
export const createStoredProviders = (db: Queryable): StoredProviders => ({
  async list() {
    return (await db.query<StoredProvider>(`${SELECT} order by providers.created_at, providers.id`)).rows;
  },
  async byName(name) {
    const { rows } = await db.query<StoredProvider>({
      name: 'provider-by-name',
      text: `${SELECT} where providers.name = $1`,
      values: [name],
    });
    return rows[0] ?? null;
  },
});
