import { Router } from 'express';
import { listAgents } from '../../db/agents';
import {
  blockNotFound,
  countBlocks,
  deleteBlock,
  getBlock,
  insertBlock,
  listBlocks,
  lockBlock,
} from '../../db/blocks';
import { getBlockVersionAt } from '../../db/memory-history';
import type { Queryable } from '../../db/pool';
import { checkBlockLabel, checkBlockValue } from '../../domain/block';
import { newId } from '../../new-id';
import { withRelations } from '../agent-state';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { isLegacyClient } from '../middleware/sdk-version';
import { changeBlock } from '../update-block';
import { ListAgentsOfBlockQuery, requestedRelations, toWireAgent } from '../wire/agent';
import {
  BlockFilterQuery,
  CreateBlockBody,
  fromWireBlock,
  fromWireBlockFilter,
  fromWireBlockUpdate,
  ListBlocksQuery,
  toWireBlock,
  UpdateBlockBody,
} from '../wire/block';
import { AsOfQuery, etagOf, expectedVersion } from '../wire/memory-history';
import { parseBody, parseQuery } from '../wire/validation';

/** Memory blocks on their own, whether or not an agent has them. */
export function blockRoutes({ db }: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { blockId: 'block' });

  router.post('/blocks', async (req, res) => {
    const block = fromWireBlock(parseBody(CreateBlockBody, req.body));
    checkBlockLabel(block.label);
    checkBlockValue(block);
    res.json(toWireBlock(await insertBlock(db, { ...block, id: newId('block') })));
  });

  router.get('/blocks', async (req, res) => {
    const query = parseQuery(ListBlocksQuery, req.query);
    const filter = { ...fromWireBlockFilter(query), withoutHidden: query.show_hidden_blocks !== true };
    res.json((await listBlocks(db, filter, query)).map(toWireBlock));
  });

  router.get('/blocks/count', async (req, res) => {
    res.json(await countBlocks(db, fromWireBlockFilter(parseQuery(BlockFilterQuery, req.query))));
  });

  router.get('/blocks/:blockId', async (req, res) => {
    const { as_of: at } = parseQuery(AsOfQuery, req.query);
    const block = await getBlock(db, req.params.blockId);
    const { label, value } = at ? await getBlockVersionAt(db, block.id, at) : block;
    if (!at) res.set('etag', etagOf(block));
    res.json(toWireBlock({ ...block, label, value }));
  });

  router.patch('/blocks/:blockId', async (req, res) => {
    const patch = fromWireBlockUpdate(parseBody(UpdateBlockBody, req.body));
    const expected = expectedVersion(req);
    const lock = (tx: Queryable) => lockBlock(tx, req.params.blockId);
    const block = await changeBlock(db, lock, patch, expected);
    res.set('etag', etagOf(block)).json(toWireBlock(block));
  });

  router.delete('/blocks/:blockId', async (req, res) => {
    if (!(await deleteBlock(db, req.params.blockId))) throw blockNotFound(req.params.blockId);
    res.json(null);
  });

  router.get('/blocks/:blockId/agents', async (req, res) => {
    const query = parseQuery(ListAgentsOfBlockQuery, req.query);
    const { id: blockId } = await getBlock(db, req.params.blockId);
    const include = requestedRelations(query, isLegacyClient(req));
    const agents = await listAgents(db, { blockId }, { ...query, sortBy: 'created_at' });
    res.json((await withRelations(db, agents, include)).map((state) => toWireAgent(state, include)));
  });

  return router;
}
