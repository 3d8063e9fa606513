import { Router } from 'express';
import { getArchive } from '../../db/archives/archives';
import { getBlock } from '../../db/blocks';
import {
  allBlockVersions,
  getPassageVersionAt,
  listArchiveWrites,
  listBlockVersions,
  listPassagesAt,
  listPassageVersions,
} from '../../db/memory-history';
import { writesAfterMessage } from '../../db/writes-after';
import { blame } from '../../domain/memory-history';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { changePassage, revertBlock, revertPassage, unlearnMessage } from '../revert-memory';
import { toWireBlock } from '../wire/block';
import {
  AsOfQuery,
  fromWirePassageUpdate,
  HistoryQuery,
  PassagesAtQuery,
  RevertBody,
  toWireBlamedLine,
  toWireBlockVersion,
  toWireMemoryVersion,
  toWirePassageVersion,
  UpdatePassageBody,
} from '../wire/memory-history';
import { parseBody, parseQuery } from '../wire/validation';

/** What memory held before, who wrote it, and how to take it back. */
export function memoryHistoryRoutes({ db }: Pick<ApiDeps, 'db'>): Router {
  const router = Router();
  checkPathIds(router, {
    blockId: 'block',
    messageId: 'message',
    archiveId: 'archive',
    passageId: 'passage',
  });

  router.get('/blocks/:blockId/history', async (req, res) => {
    const { as_of: until = null, ...page } = parseQuery(HistoryQuery, req.query);
    const { id } = await getBlock(db, req.params.blockId);
    res.json((await listBlockVersions(db, id, { ...page, until })).map(toWireBlockVersion));
  });

  router.get('/blocks/:blockId/blame', async (req, res) => {
    const { id } = await getBlock(db, req.params.blockId);
    res.json(blame(await allBlockVersions(db, id)).map(toWireBlamedLine));
  });

  router.post('/blocks/:blockId/revert', async (req, res) => {
    const { version } = parseBody(RevertBody, req.body);
    res.json(toWireBlock(await revertBlock(db, req.params.blockId, version)));
  });

  addPassageRoutes(router, { db });

  /** What a message, or a tool's result, taught the agent. */
  router.get('/messages/:messageId/writes', async (req, res) => {
    res.json((await writesAfterMessage(db, req.params.messageId)).map(toWireMemoryVersion));
  });

  router.post('/messages/:messageId/unlearn', async (req, res) => {
    const { blocks, passages } = await unlearnMessage(db, req.params.messageId);
    res.json({ blocks: blocks.map(toWireBlock), passages: passages.map(toWirePassageVersion) });
  });

  return router;
}

function addPassageRoutes(router: Router, { db }: Pick<ApiDeps, 'db'>): void {
  router.get('/archives/:archiveId/history', async (req, res) => {
    const { as_of: until = null, ...page } = parseQuery(HistoryQuery, req.query);
    const { id } = await getArchive(db, req.params.archiveId);
    res.json((await listArchiveWrites(db, id, { ...page, until })).map(toWirePassageVersion));
  });

  router.get('/archives/:archiveId/passages', async (req, res) => {
    const { as_of: at = null, ...page } = parseQuery(PassagesAtQuery, req.query);
    const { id } = await getArchive(db, req.params.archiveId);
    res.json((await listPassagesAt(db, id, { ...page, at })).map(toWirePassageVersion));
  });

  router.get('/archives/:archiveId/passages/:passageId', async (req, res) => {
    const { as_of: at = null } = parseQuery(AsOfQuery, req.query);
    const { archiveId, passageId: id } = req.params;
    res.json(toWirePassageVersion(await getPassageVersionAt(db, { archiveId, id }, at)));
  });

  router.patch('/archives/:archiveId/passages/:passageId', async (req, res) => {
    const patch = fromWirePassageUpdate(parseBody(UpdatePassageBody, req.body));
    const { archiveId, passageId: id } = req.params;
    res.json(toWirePassageVersion(await changePassage(db, { archiveId, id }, patch)));
  });

  router.get('/archives/:archiveId/passages/:passageId/history', async (req, res) => {
    const { as_of: until = null, ...page } = parseQuery(HistoryQuery, req.query);
    const { archiveId, passageId: id } = req.params;
    const versions = await listPassageVersions(db, { archiveId, id }, { ...page, until });
    res.json(versions.map(toWirePassageVersion));
  });

  router.post('/archives/:archiveId/passages/:passageId/revert', async (req, res) => {
    const { version } = parseBody(RevertBody, req.body);
    const { archiveId, passageId: id } = req.params;
    const passage = await revertPassage(db, { archiveId, id }, version);
    res.json(passage && toWirePassageVersion(passage));
  });
}
