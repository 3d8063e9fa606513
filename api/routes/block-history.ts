import { Router } from 'express';
import { allBlockVersions, listBlockVersions, writesAfterMessage } from '../../db/block-history';
import { getBlock } from '../../db/blocks';
import { blame } from '../../domain/block-history';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { revertBlock, unlearnMessage } from '../revert-block';
import { toWireBlock } from '../wire/block';
import {
  BlockHistoryQuery,
  RevertBlockBody,
  toWireBlamedLine,
  toWireBlockVersion,
} from '../wire/block-history';
import { parseBody, parseQuery } from '../wire/validation';

/** What blocks held before, who wrote it, and how to take it back. */
export function blockHistoryRoutes({ db }: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { blockId: 'block', messageId: 'message' });

  router.get('/blocks/:blockId/history', async (req, res) => {
    const { as_of: until = null, ...page } = parseQuery(BlockHistoryQuery, req.query);
    const { id } = await getBlock(db, req.params.blockId);
    res.json((await listBlockVersions(db, id, { ...page, until })).map(toWireBlockVersion));
  });

  router.get('/blocks/:blockId/blame', async (req, res) => {
    const { id } = await getBlock(db, req.params.blockId);
    res.json(blame(await allBlockVersions(db, id)).map(toWireBlamedLine));
  });

  router.post('/blocks/:blockId/revert', async (req, res) => {
    const { version } = parseBody(RevertBlockBody, req.body);
    res.json(toWireBlock(await revertBlock(db, req.params.blockId, version)));
  });

  /** What a message, or a tool's result, taught the agent. */
  router.get('/messages/:messageId/writes', async (req, res) => {
    res.json((await writesAfterMessage(db, req.params.messageId)).map(toWireBlockVersion));
  });

  router.post('/messages/:messageId/unlearn', async (req, res) => {
    res.json((await unlearnMessage(db, req.params.messageId)).map(toWireBlock));
  });

  return router;
}
