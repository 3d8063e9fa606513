import { AppError } from '../domain/errors';
import type { Identity, IdentityFields, IdentityPatch } from '../domain/identity';
import { type Columns, insertRow, updateSet } from './columns';
import { createConditions, likePattern, type Page, selectPage } from './keyset';
import type { Queryable } from './pool';

const COLUMNS: Columns<IdentityFields> = {
  identifierKey: ['identifier_key'],
  name: ['name'],
  identityType: ['identity_type'],
  projectId: ['project_id'],
  properties: ['properties', 'jsonb'],
};

/** The columns of an identity, as the domain names them. */
export const IDENTITY_COLUMNS = `identities.id, identities.identifier_key as "identifierKey", identities.name,
  identities.identity_type as "identityType", identities.project_id as "projectId", identities.properties`;
const SELECT = `select ${IDENTITY_COLUMNS} from identities`;

const identityNotFound = (id: string): AppError =>
  new AppError('NOT_FOUND', `Identity not found with id='${id}'`);

/** Stores an identity. Null when another one of the project has its key. */
export async function insertIdentity(
  db: Queryable,
  identity: IdentityFields & { readonly id: string },
): Promise<Identity | null> {
  const { text, values } = insertRow('identities', COLUMNS, identity);
  const { rows } = await db.query<Identity>(
    `${text} on conflict do nothing returning ${IDENTITY_COLUMNS}`,
    values,
  );
  return rows[0] ?? null;
}

/** The identity with this id; NOT_FOUND without one. */
export async function getIdentity(db: Queryable, id: string): Promise<Identity> {
  const { rows } = await db.query<Identity>(`${SELECT} where id = $1`, [id]);
  if (rows[0]) return rows[0];
  throw identityNotFound(id);
}

/** The identity with this id, locked until the transaction ends; NOT_FOUND without one. */
export async function lockIdentity(db: Queryable, id: string): Promise<Identity> {
  const { rows } = await db.query<Identity>(`${SELECT} where id = $1 for update`, [id]);
  if (rows[0]) return rows[0];
  throw identityNotFound(id);
}

/** The identity that has this key in the project, locked until the transaction ends; null without one. */
export async function lockIdentityByKey(
  db: Queryable,
  { identifierKey, projectId }: Pick<Identity, 'identifierKey' | 'projectId'>,
): Promise<Identity | null> {
  const { rows } = await db.query<Identity>(
    `${SELECT} where identifier_key = $1 and coalesce(project_id, '') = $2 for update`,
    [identifierKey, projectId ?? ''],
  );
  return rows[0] ?? null;
}

/** Writes the given fields of an identity that the caller has locked. */
export async function updateIdentity(db: Queryable, id: string, patch: IdentityPatch): Promise<Identity> {
  const { set, values } = updateSet(COLUMNS, patch, 2);
  const { rows } = await db.query<Identity>(
    `update identities set ${set === '' ? '' : `${set}, `}updated_at = now() where id = $1
     returning ${IDENTITY_COLUMNS}`,
    [id, ...values],
  );
  if (rows[0]) return rows[0];
  throw identityNotFound(id);
}

/** Deletes an identity; its agents and blocks stay. NOT_FOUND without one. */
export async function deleteIdentity(db: Queryable, id: string): Promise<void> {
  const { rowCount } = await db.query('delete from identities where id = $1', [id]);
  if (rowCount === 0) throw identityNotFound(id);
}

export interface IdentityFilter {
  /** A part of the name, in any case. */
  readonly name?: string | undefined;
  readonly projectId?: string | undefined;
  readonly identifierKey?: string | undefined;
  readonly identityType?: string | undefined;
}

/** One page of the identities that match every given filter. */
export function listIdentities(
  db: Queryable,
  { name, projectId, identifierKey, identityType }: IdentityFilter,
  page: Page,
): Promise<readonly Identity[]> {
  const conditions = createConditions();
  if (name !== undefined) conditions.add('identities.name ilike ?', likePattern(name));
  if (projectId !== undefined) conditions.add('identities.project_id = ?', projectId);
  if (identifierKey !== undefined) conditions.add('identities.identifier_key = ?', identifierKey);
  if (identityType !== undefined) conditions.add('identities.identity_type = ?', identityType);
  return selectPage<Identity>(db, {
    table: 'identities',
    select: SELECT,
    where: conditions.where,
    values: conditions.values,
    sortBy: (t) => `${t}.created_at`,
    page,
  });
}

/** How many identities there are. */
export async function countIdentities(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>('select count(*) from identities');
  return rows[0]?.count ?? 0;
}
