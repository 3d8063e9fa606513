import { Router } from 'express';
import { lockAgent } from '../../db/agents';
import { agentsWith, forgetLostFiles } from '../../db/folders/agent-folders';
import { listFilePassages } from '../../db/folders/file-passages';
import { deleteFile, getFile, listFiles } from '../../db/folders/files';
import {
  agentsOfFolder,
  countFolders,
  deleteFolder,
  getFolder,
  getFolderByName,
  insertFolder,
  listFolders,
  statsOfFolders,
  updateFolder,
} from '../../db/folders/folders';
import { inTransaction, type Queryable } from '../../db/pool';
import { rebuildSystemMessages } from '../../db/system-messages';
import type { Agent } from '../../domain/agent';
import { checkFolderName, type Folder } from '../../domain/folder';
import { newId } from '../../new-id';
import { archiveEmbedding, changedEmbedding } from '../archive-embedding';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { readUpload } from '../middleware/upload';
import { MAX_FOLDER_FILE_BYTES, uploadFile } from '../upload-file';
import { withoutNulls } from '../wire/fields';
import {
  AgentsOfFolderQuery,
  CreateFolderBody,
  FileQuery,
  FolderStatsQuery,
  ListFilePassagesQuery,
  ListFilesQuery,
  ListFoldersQuery,
  toWireFile,
  toWireFilePassage,
  toWireFolder,
  toWireSource,
  toWireStats,
  UpdateFolderBody,
  UploadQuery,
} from '../wire/folder';
import { parseBody, parseQuery } from '../wire/validation';

const readFile = readUpload({ maxBytes: MAX_FOLDER_FILE_BYTES, what: 'file' });

/** Folders and their files, also under the older name of folders, sources. */
export function folderRoutes(deps: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { folderId: 'source', fileId: 'file' });
  addRoutes(router, deps, { base: '/folders', toWire: toWireFolder });
  addRoutes(router, deps, { base: '/sources', toWire: toWireSource });
  return router;
}

interface Naming {
  readonly base: '/folders' | '/sources';
  readonly toWire: (folder: Folder) => object;
}

function addRoutes(router: Router, deps: ApiDeps, naming: Naming): void {
  addFolderRoutes(router, deps, naming);
  addFileRoutes(router, deps, naming);
}

function addFolderRoutes(router: Router, { db, models }: ApiDeps, { base, toWire }: Naming): void {
  router.get(base, async (req, res) => {
    const { name, ...page } = parseQuery(ListFoldersQuery, req.query);
    res.json((await listFolders(db, { name }, page)).map(toWire));
  });

  router.post(base, async (req, res) => {
    const body = parseBody(CreateFolderBody, req.body);
    const { name, description = null, instructions = null, metadata = null } = body;
    checkFolderName(name);
    const embedding = await archiveEmbedding(models, body);
    const fields = { name, description, instructions, metadata, ...embedding };
    res.json(toWire(await insertFolder(db, { id: newId('source'), ...fields })));
  });

  router.get(`${base}/count`, async (_req, res) => {
    res.json(await countFolders(db));
  });

  router.get(`${base}/metadata`, async (req, res) => {
    const query = parseQuery(FolderStatsQuery, req.query);
    res.json(toWireStats(await statsOfFolders(db), query.include_detailed_per_source_metadata ?? false));
  });

  router.get(`${base}/name/:name`, async (req, res) => {
    res.json((await getFolderByName(db, req.params.name)).id);
  });

  router.get(`${base}/:folderId`, async (req, res) => {
    res.json(toWire(await getFolder(db, req.params.folderId)));
  });

  router.patch(`${base}/:folderId`, async (req, res) => {
    const { name, description, instructions, metadata, ...body } = parseBody(UpdateFolderBody, req.body);
    if (typeof name === 'string') checkFolderName(name);
    const embedding = await changedEmbedding(models, body);
    const patch = { ...withoutNulls({ name, description, instructions, metadata }), ...embedding };
    res.json(toWire(await inTransaction(db, (tx) => updateFolder(tx, req.params.folderId, patch))));
  });

  router.delete(`${base}/:folderId`, async (req, res) => {
    await inTransaction(db, (tx) => removeFolder(tx, req.params.folderId));
    res.json(null);
  });

  router.get(`${base}/:folderId/agents`, async (req, res) => {
    const page = parseQuery(AgentsOfFolderQuery, req.query);
    const { id } = await getFolder(db, req.params.folderId);
    res.json(await agentsOfFolder(db, id, page));
  });
}

function addFileRoutes(router: Router, deps: ApiDeps, { base }: Naming): void {
  const { db } = deps;
  router.post(`${base}/:folderId/upload`, readFile, async (req, res) => {
    const folderId = String(req.params['folderId']);
    const { duplicate_handling: duplicates, name = null } = parseQuery(UploadQuery, req.query);
    const { file, isSkipped } = await uploadFile(deps, req, { folderId, name, duplicates });
    if (isSkipped) res.set('x-upload-result', 'skipped');
    res.json(toWireFile(file));
  });

  router.get(`${base}/:folderId/files`, async (req, res) => {
    const { include_content: withContent = false, ...page } = parseQuery(ListFilesQuery, req.query);
    const { id: folderId } = await getFolder(db, req.params.folderId);
    res.json((await listFiles(db, { folderId, withContent }, page)).map(toWireFile));
  });

  router.get(`${base}/:folderId/files/:fileId`, async (req, res) => {
    const { folderId, fileId: id } = req.params;
    const { include_content: withContent = false } = parseQuery(FileQuery, req.query);
    res.json(toWireFile(await getFile(db, { folderId, id, withContent })));
  });

  router.delete(`${base}/:folderId/:fileId`, async (req, res) => {
    await deleteFile(db, req.params.folderId, req.params.fileId);
    res.status(204).end();
  });

  router.get(`${base}/:folderId/passages`, async (req, res) => {
    const page = parseQuery(ListFilePassagesQuery, req.query);
    const { id } = await getFolder(db, req.params.folderId);
    res.json((await listFilePassages(db, id, page)).map(toWireFilePassage));
  });
}

/** Its agents are told at once: tools and system messages follow. */
async function removeFolder(tx: Queryable, folderId: string): Promise<void> {
  const agents: Agent[] = [];
  for (const agentId of await agentsWith(tx, folderId)) agents.push(await lockAgent(tx, agentId));
  await deleteFolder(tx, folderId);
  for (const agent of agents) {
    await forgetLostFiles(tx, agent.id);
    await rebuildSystemMessages(tx, agent, new Date());
  }
}
