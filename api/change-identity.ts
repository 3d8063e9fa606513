import { insertIdentity, lockIdentity, lockIdentityByKey, updateIdentity } from '../db/identities';
import { addItems, replaceItems } from '../db/identity-items';
import { inTransaction, type Pool, type Queryable } from '../db/pool';
import { AppError } from '../domain/errors';
import { type Identity, mergeProperties } from '../domain/identity';
import { newId } from '../new-id';
import { withoutNulls } from './wire/fields';
import type { CreateIdentityBody, UpdateIdentityBody } from './wire/identity';

/** Creates an identity with its agents and blocks, all or nothing; CONFLICT when its project has the key already. */
export const createIdentity = (db: Pool, body: CreateIdentityBody): Promise<Identity> =>
  inTransaction(db, async (tx) => {
    const identity = await insertIdentity(tx, fieldsOf(body));
    if (!identity) throw keyTaken(body.identifier_key);
    await link(tx, identity.id, body, addItems);
    return identity;
  });

/** Creates the identity of this key, or makes the one there is what the body says; what the body leaves out stays. */
export const upsertIdentity = (db: Pool, body: CreateIdentityBody): Promise<Identity> =>
  inTransaction(db, async (tx) => {
    const fields = fieldsOf(body);
    const created = await insertIdentity(tx, fields);
    const identity = created ?? (await lockIdentityByKey(tx, fields));
    if (!identity) throw keyTaken(body.identifier_key); // deleted in this moment: the client may send it again
    await link(tx, identity.id, body, replaceItems);
    if (created) return created;
    const { name, identity_type: identityType, properties } = body;
    return updateIdentity(tx, identity.id, withoutNulls({ name, identityType, properties }));
  });

/** Changes the fields that the body has. Its agents, blocks and properties come to those there are, as in the original. */
export const changeIdentity = (db: Pool, id: string, body: UpdateIdentityBody): Promise<Identity> =>
  inTransaction(db, async (tx) => {
    const identity = await lockIdentity(tx, id);
    await link(tx, id, body, addItems);
    const { identifier_key: identifierKey, name, identity_type: identityType, properties } = body;
    const merged = properties && mergeProperties(identity.properties, properties);
    return updateIdentity(tx, id, withoutNulls({ identifierKey, name, identityType, properties: merged }));
  });

const fieldsOf = (body: CreateIdentityBody) => ({
  id: newId('identity'),
  identifierKey: body.identifier_key,
  name: body.name,
  identityType: body.identity_type,
  projectId: body.project_id ?? null,
  properties: body.properties ?? [],
});

async function link(
  tx: Queryable,
  id: string,
  { agent_ids: agentIds, block_ids: blockIds }: UpdateIdentityBody,
  write: typeof addItems,
): Promise<void> {
  if (agentIds) await write(tx, 'agent', id, agentIds);
  if (blockIds) await write(tx, 'block', id, blockIds);
}

const keyTaken = (key: string): AppError =>
  new AppError(
    'CONFLICT',
    `CONFLICT: An identity with identifier_key '${key}' exists already. Update or upsert it.`,
  );
