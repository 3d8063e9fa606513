import { z } from 'zod';
import { DEFAULT_ORG_ID } from '../../domain/ids';
import { type Identity, IDENTITY_TYPES, PROPERTY_TYPES } from '../../domain/identity';
import { idsOf, jsonObject } from './fields';
import { pageFields } from './page';
import { queryChoice, queryText } from './query';

/**
 * An identity as Letta's clients know it. The two lists of ids are empty in the original too: an identity can have any
 * number of agents and blocks, which have lists of their own.
 */
export const toWireIdentity = (identity: Identity) => ({
  id: identity.id,
  identifier_key: identity.identifierKey,
  name: identity.name,
  identity_type: identity.identityType,
  project_id: identity.projectId,
  agent_ids: [],
  block_ids: [],
  organization_id: DEFAULT_ORG_ID,
  properties: identity.properties,
});

const IdentityPropertyBody = z.object({
  key: z.string(),
  value: z.union([z.string(), z.number(), z.boolean(), jsonObject]),
  type: z.enum(PROPERTY_TYPES),
});
export const IdentityPropertiesBody = z.array(IdentityPropertyBody);

const linkFields = {
  agent_ids: idsOf('agent'),
  block_ids: idsOf('block'),
  properties: IdentityPropertiesBody.nullish(),
};
/** Of a creation, and of an upsert by key. */
export const CreateIdentityBody = z.object({
  ...linkFields,
  identifier_key: z.string(),
  name: z.string(),
  identity_type: z.enum(IDENTITY_TYPES),
  project_id: z.string().nullish(),
});
export type CreateIdentityBody = z.infer<typeof CreateIdentityBody>;

export const UpdateIdentityBody = z.object({
  ...linkFields,
  identifier_key: z.string().nullish(),
  name: z.string().nullish(),
  identity_type: z.enum(IDENTITY_TYPES).nullish(),
});
export type UpdateIdentityBody = z.infer<typeof UpdateIdentityBody>;

const page = pageFields({ limit: 50, order: 'desc' });
export const ListIdentitiesQuery = z.object({
  ...page,
  name: queryText(),
  project_id: queryText(),
  identifier_key: queryText(),
  identity_type: queryChoice(IDENTITY_TYPES),
  order_by: queryChoice(['created_at']),
});
export const ListBlocksOfIdentityQuery = z.object(page);
