import { AppError } from '../domain/errors';
import type { Identity, IdentityItem } from '../domain/identity';
import { IDENTITY_COLUMNS } from './identities';
import type { Conditions } from './keyset';
import type { Queryable } from './pool';

const TABLES = {
  agent: { items: 'agents', pairs: 'identity_agents', column: 'agent_id' },
  block: { items: 'blocks', pairs: 'identity_blocks', column: 'block_id' },
} as const;

/** Gives an identity these agents or blocks; those that it has it keeps. NOT_FOUND when one does not exist. */
export async function addItems(
  db: Queryable,
  kind: IdentityItem,
  identityId: string,
  ids: readonly string[],
): Promise<void> {
  const { items, pairs, column } = TABLES[kind];
  const { rows } = await db.query<{ id: string }>(
    `select id from unnest($1::text[]) wanted (id) where id not in (select id from ${items})`,
    [ids],
  );
  if (rows.length > 0) throw new AppError('NOT_FOUND', `No ${kind} with id ${rows.map(({ id }) => id).join(', ')}`); // prettier-ignore
  await db.query(
    `insert into ${pairs} (identity_id, ${column}) select $1, unnest($2::text[]) on conflict do nothing`,
    [identityId, ids],
  );
}

/** Takes an agent or a block from an identity. Nothing happens when it did not have it. */
export async function removeItem(
  db: Queryable,
  kind: IdentityItem,
  identityId: string,
  id: string,
): Promise<void> {
  const { pairs, column } = TABLES[kind];
  await db.query(`delete from ${pairs} where identity_id = $1 and ${column} = $2`, [identityId, id]);
}

/** Makes these the only agents or blocks of an identity; NOT_FOUND when one does not exist. */
export async function replaceItems(
  db: Queryable,
  kind: IdentityItem,
  identityId: string,
  ids: readonly string[],
): Promise<void> {
  const { pairs, column } = TABLES[kind];
  await db.query(`delete from ${pairs} where identity_id = $1 and not ${column} = any($2)`, [
    identityId,
    ids,
  ]);
  await addItems(db, kind, identityId, ids);
}

/** Makes these the only identities of an agent. CONFLICT when one does not exist, as in the original. */
export async function replaceIdentitiesOf(
  db: Queryable,
  agentId: string,
  identityIds: readonly string[],
): Promise<void> {
  await db.query('delete from identity_agents where agent_id = $1 and not identity_id = any($2)', [
    agentId,
    identityIds,
  ]);
  await db.query(
    `insert into identity_agents (identity_id, agent_id) select unnest($2::text[]), $1 on conflict do nothing`,
    [agentId, identityIds],
  );
}

/** The identities of each of these agents, oldest first. Agents without any have no entry. */
export async function identitiesOf(
  db: Queryable,
  agentIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Identity[]>> {
  const { rows } = await db.query<Identity & { agentId: string }>(
    `select ia.agent_id as "agentId", ${IDENTITY_COLUMNS}
       from identity_agents ia join identities on identities.id = ia.identity_id
      where ia.agent_id = any($1)
      order by identities.created_at, identities.id`,
    [agentIds],
  );
  const byAgent = new Map<string, Identity[]>();
  for (const { agentId, ...identity } of rows)
    byAgent.set(agentId, [...(byAgent.get(agentId) ?? []), identity]);
  return byAgent;
}

export interface IdentityOwner {
  readonly identityId?: string | undefined;
  /** Any of these keys, in any project. */
  readonly identifierKeys?: readonly string[] | undefined;
}

/** Narrows a query of agents or blocks to those that such an identity has. */
export function addOwner(conditions: Conditions, kind: IdentityItem, owner: IdentityOwner): void {
  const { items, pairs, column } = TABLES[kind];
  const { identityId, identifierKeys } = owner;
  if (identityId !== undefined)
    conditions.add(`${items}.id in (select ${column} from ${pairs} where identity_id = ?)`, identityId);
  if (identifierKeys !== undefined)
    conditions.add(
      `${items}.id in (select ${column} from ${pairs} join identities i on i.id = identity_id
                        where i.identifier_key = any(?))`,
      identifierKeys,
    );
}
