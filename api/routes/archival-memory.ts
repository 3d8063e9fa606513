import { Router } from 'express';
import { getAgent, requireAgent } from '../../db/agents';
import {
  attachArchive,
  detachArchive,
  findArchiveOf,
  getArchive,
  requireArchiveOf,
} from '../../db/archives/archives';
import { deletePassage, listPassages } from '../../db/archives/passages';
import { inTransaction, type Queryable } from '../../db/pool';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { storePassages } from '../store-passages';
import {
  CreateMemoryBody,
  fromWirePassage,
  ListMemoryQuery,
  SearchMemoryQuery,
  toWirePassage,
} from '../wire/archive';
import { tellMode, toWireMemory } from '../wire/search';
import { parseBody, parseQuery } from '../wire/validation';

/** What an agent keeps beyond its blocks: its archive, and the passages in it. */
export function archivalMemoryRoutes(deps: ApiDeps): Router {
  const { db, search } = deps;
  const router = Router();
  checkPathIds(router, { agentId: 'agent' });

  addAttachmentRoutes(router, deps);

  router.get('/agents/:agentId/archival-memory', async (req, res) => {
    const { agentId } = req.params;
    const { ascending = true, ...query } = parseQuery(ListMemoryQuery, req.query);
    await requireAgent(db, agentId);
    const archive = await findArchiveOf(db, agentId);
    const page = { ...query, order: ascending ? 'asc' : 'desc' } as const;
    res.json(archive ? (await listPassages(db, archive.id, page)).map(toWirePassage) : []);
  });

  router.post('/agents/:agentId/archival-memory', async (req, res) => {
    const { agentId } = req.params;
    const passage = fromWirePassage(parseBody(CreateMemoryBody, req.body));
    const agent = await getAgent(db, agentId);
    const archive = (await findArchiveOf(db, agentId)) ?? agent;
    const target = { archive, open: (tx: Queryable) => requireArchiveOf(tx, agentId) };
    res.json((await storePassages(deps, target, [passage], req)).map(toWirePassage));
  });

  router.get('/agents/:agentId/archival-memory/search', async (req, res) => {
    const { agentId } = req.params;
    const query = parseQuery(SearchMemoryQuery, req.query);
    const { timezone } = await getAgent(db, agentId);
    const archive = await findArchiveOf(db, agentId);
    const found = await search.passages.search({
      mode: 'hybrid',
      archiveIds: archive ? [archive.id] : [],
      text: query.query,
      tags: query.tags ?? [],
      tagMatch: query.tag_match_mode,
      from: query.start_datetime ?? null,
      to: query.end_datetime ?? null,
      limit: query.top_k,
    });
    tellMode(res, found);
    const results = found.hits.map((hit) => toWireMemory(hit, timezone));
    res.json({ results, count: results.length });
  });

  router.delete('/agents/:agentId/archival-memory/:memoryId', async (req, res) => {
    const { agentId, memoryId } = req.params;
    await requireAgent(db, agentId);
    const archive = await findArchiveOf(db, agentId);
    await deletePassage(db, archive?.id ?? null, memoryId);
    res.json({ message: `Memory id=${memoryId} successfully deleted` });
  });

  return router;
}

function addAttachmentRoutes(router: Router, { db }: ApiDeps): void {
  router.patch('/agents/:agentId/archives/attach/:archiveId', async (req, res) => {
    const { agentId, archiveId } = req.params;
    await inTransaction(db, async (tx) => {
      await requireAgent(tx, agentId);
      await getArchive(tx, archiveId);
      await attachArchive(tx, agentId, archiveId);
    });
    res.json(null);
  });

  router.patch('/agents/:agentId/archives/detach/:archiveId', async (req, res) => {
    const { agentId, archiveId } = req.params;
    await requireAgent(db, agentId);
    await getArchive(db, archiveId);
    await detachArchive(db, agentId, archiveId);
    res.json(null);
  });
}
