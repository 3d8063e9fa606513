import { Router } from 'express';
import { listAgents, requireAgent } from '../../db/agents';
import { getBlock, listBlocks } from '../../db/blocks';
import { countIdentities, deleteIdentity, getIdentity, listIdentities, lockIdentity, updateIdentity } from '../../db/identities'; // prettier-ignore
import { addItems, removeItem } from '../../db/identity-items';
import { inTransaction, type Pool } from '../../db/pool';
import type { IdentityItem } from '../../domain/identity';
import { withRelations } from '../agent-state';
import { changeIdentity, createIdentity, upsertIdentity } from '../change-identity';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { ListAgentsOfBlockQuery, requestedRelations, toWireAgent } from '../wire/agent';
import { toWireBlock } from '../wire/block';
import {
  CreateIdentityBody,
  IdentityPropertiesBody,
  ListBlocksOfIdentityQuery,
  ListIdentitiesQuery,
  toWireIdentity,
  UpdateIdentityBody,
} from '../wire/identity';
import { parseBody, parseQuery } from '../wire/validation';

/** Identities: whom agents and blocks belong to in the client's own terms. */
export function identityRoutes({ db }: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { identityId: 'identity', agentId: 'agent', blockId: 'block' });
  router.get('/identities', async (req, res) => {
    const { project_id: projectId, identifier_key: identifierKey, identity_type: identityType, ...query } = parseQuery(ListIdentitiesQuery, req.query); // prettier-ignore
    const filter = { name: query.name, projectId, identifierKey, identityType };
    res.json((await listIdentities(db, filter, query)).map(toWireIdentity));
  });

  router.post('/identities', async (req, res) => {
    res.json(toWireIdentity(await createIdentity(db, parseBody(CreateIdentityBody, req.body))));
  });

  router.put('/identities', async (req, res) => {
    res.json(toWireIdentity(await upsertIdentity(db, parseBody(CreateIdentityBody, req.body))));
  });

  router.get('/identities/count', async (_req, res) => {
    res.json(await countIdentities(db));
  });

  router.get('/identities/:identityId', async (req, res) => {
    res.json(toWireIdentity(await getIdentity(db, req.params.identityId)));
  });

  router.patch('/identities/:identityId', async (req, res) => {
    const body = parseBody(UpdateIdentityBody, req.body);
    res.json(toWireIdentity(await changeIdentity(db, req.params.identityId, body)));
  });

  router.delete('/identities/:identityId', async (req, res) => {
    await deleteIdentity(db, req.params.identityId);
    res.json(null);
  });

  router.put('/identities/:identityId/properties', async (req, res) => {
    const properties = parseBody(IdentityPropertiesBody, req.body);
    res.json(toWireIdentity(await updateIdentity(db, req.params.identityId, { properties })));
  });

  router.get('/identities/:identityId/agents', async (req, res) => {
    const query = parseQuery(ListAgentsOfBlockQuery, req.query);
    const include = requestedRelations(query, false);
    const { id: identityId } = await getIdentity(db, req.params.identityId);
    const agents = await listAgents(db, { identityId }, { ...query, sortBy: 'created_at' });
    res.json((await withRelations(db, agents, include)).map((state) => toWireAgent(state, include)));
  });

  router.get('/identities/:identityId/blocks', async (req, res) => {
    const page = parseQuery(ListBlocksOfIdentityQuery, req.query);
    const { id: identityId } = await getIdentity(db, req.params.identityId);
    res.json((await listBlocks(db, { identityId }, page)).map(toWireBlock));
  });

  addItemRoutes(router, db);
  return router;
}

/** What is given to an identity and taken from it one by one. */
function addItemRoutes(router: Router, db: Pool): void {
  const attach = (kind: IdentityItem, identityId: string, id: string) =>
    inTransaction(db, async (tx) => {
      await lockIdentity(tx, identityId);
      await addItems(tx, kind, identityId, [id]);
    });

  router.patch('/agents/:agentId/identities/attach/:identityId', async (req, res) => {
    const { agentId, identityId } = req.params;
    await requireAgent(db, agentId);
    await attach('agent', identityId, agentId);
    res.json(null);
  });

  router.patch('/agents/:agentId/identities/detach/:identityId', async (req, res) => {
    const { agentId, identityId } = req.params;
    await requireAgent(db, agentId);
    await getIdentity(db, identityId);
    await removeItem(db, 'agent', identityId, agentId);
    res.json(null);
  });

  router.patch('/blocks/:blockId/identities/attach/:identityId', async (req, res) => {
    const { blockId, identityId } = req.params;
    const block = await getBlock(db, blockId);
    await attach('block', identityId, blockId);
    res.json(toWireBlock(block));
  });

  router.patch('/blocks/:blockId/identities/detach/:identityId', async (req, res) => {
    const { blockId, identityId } = req.params;
    const block = await getBlock(db, blockId);
    await getIdentity(db, identityId);
    await removeItem(db, 'block', identityId, blockId);
    res.json(toWireBlock(block));
  });
}
