import { Router } from 'express';
import {
  agentsOfArchive,
  deleteArchive,
  getArchive,
  insertArchive,
  listArchives,
} from '../../db/archives/archives';
import { deletePassage } from '../../db/archives/passages';
import { changeArchive } from '../../db/archives/reembeds';
import { inTransaction } from '../../db/pool';
import { newId } from '../../new-id';
import { archiveEmbedding, changedEmbedding } from '../archive-embedding';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { storePassages } from '../store-passages';
import {
  CreateArchiveBody,
  CreatePassageBody,
  CreatePassagesBody,
  fromWirePassage,
  ListArchivesQuery,
  toWireArchive,
  toWirePassage,
  UpdateArchiveBody,
} from '../wire/archive';
import { withoutNulls } from '../wire/fields';
import { parseBody, parseQuery } from '../wire/validation';

/** Archives and the passages in them, whichever agents have them. */
export function archiveRoutes(deps: ApiDeps): Router {
  const { db, models, archives } = deps;
  const router = Router();
  checkPathIds(router, { archiveId: 'archive', passageId: 'passage' });

  router.post('/archives', async (req, res) => {
    const body = parseBody(CreateArchiveBody, req.body);
    const { name, description = null } = body;
    const embedding = await archiveEmbedding(models, body);
    res.json(toWireArchive(await insertArchive(db, { id: newId('archive'), name, description, metadata: null, ...embedding }))); // prettier-ignore
  });

  router.get('/archives', async (req, res) => {
    const { name, agent_id: agentId, ...page } = parseQuery(ListArchivesQuery, req.query);
    res.json((await listArchives(db, { name, agentId }, page)).map(toWireArchive));
  });

  router.get('/archives/:archiveId', async (req, res) => {
    res.json(toWireArchive(await getArchive(db, req.params.archiveId)));
  });

  router.patch('/archives/:archiveId', async (req, res) => {
    const body = parseBody(UpdateArchiveBody, req.body);
    const { name, description } = body;
    const patch = { ...withoutNulls({ name, description }), ...(await changedEmbedding(models, body)) };
    const { archive, reembedId } = await inTransaction(db, (tx) =>
      changeArchive(tx, { id: req.params.archiveId, patch, reembedId: newId('job') }),
    );
    // Temporal may be away: what is noted is started by the next sweep.
    if (reembedId !== null) {
      await archives.startReembed({ reembedId }).catch((error: unknown) => deps.log.warn({ err: error }, 'an archive waits for its new vectors')); // prettier-ignore
    }
    res.json(toWireArchive(archive));
  });

  router.delete('/archives/:archiveId', async (req, res) => {
    await deleteArchive(db, req.params.archiveId);
    res.status(204).end();
  });

  router.get('/archives/:archiveId/agents', async (req, res) => {
    const { id } = await getArchive(db, req.params.archiveId);
    res.json(await agentsOfArchive(db, id));
  });

  router.post('/archives/:archiveId/passages', async (req, res) => {
    const passage = fromWirePassage(parseBody(CreatePassageBody, req.body));
    const archive = await getArchive(db, req.params.archiveId);
    const target = { archive, open: () => Promise.resolve(archive) };
    const [stored] = await storePassages(deps, target, [passage], req);
    res.json(stored && toWirePassage(stored));
  });

  router.post('/archives/:archiveId/passages/batch', async (req, res) => {
    const passages = parseBody(CreatePassagesBody, req.body).passages.map(fromWirePassage);
    const archive = await getArchive(db, req.params.archiveId);
    const target = { archive, open: () => Promise.resolve(archive) };
    res.json((await storePassages(deps, target, passages, req)).map(toWirePassage));
  });

  router.delete('/archives/:archiveId/passages/:passageId', async (req, res) => {
    const { archiveId, passageId } = req.params;
    await getArchive(db, archiveId);
    await deletePassage(db, archiveId, passageId);
    res.status(204).end();
  });

  return router;
}
