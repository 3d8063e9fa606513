import { type Request, Router } from 'express';
import { getAgent, lockAgent, requireAgent } from '../../db/agents';
import { attachFolders, detachFolder, listFoldersOf } from '../../db/folders/agent-folders';
import { getFolder } from '../../db/folders/folders';
import { excerptsOf, listAgentFiles, markClosed, markOpen, requireAgentFile } from '../../db/folders/open-files'; // prettier-ignore
import { inTransaction, type Queryable } from '../../db/pool';
import { rebuildSystemMessages } from '../../db/system-messages';
import { viewOf } from '../../domain/agent-files';
import { loadAgentState } from '../agent-state';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { isLegacyClient } from '../middleware/sdk-version';
import { toWireAgent } from '../wire/agent';
import { ListAgentFilesQuery, ListFoldersOfAgentQuery, toWireAgentFile, toWireSource } from '../wire/folder';
import { parseQuery } from '../wire/validation';

/** The folders of an agent, also under their older name, and what it has open of the files in them. */
export function agentFolderRoutes(deps: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { agentId: 'agent', folderId: 'source', fileId: 'file' });
  addFolderRoutes(router, deps, 'folders');
  addFolderRoutes(router, deps, 'sources');
  addFileRoutes(router, deps);
  return router;
}

function addFolderRoutes(router: Router, { db }: ApiDeps, name: 'folders' | 'sources'): void {
  router.get(`/agents/:agentId/${name}`, async (req, res) => {
    const page = parseQuery(ListFoldersOfAgentQuery, req.query);
    await requireAgent(db, req.params.agentId);
    res.json((await listFoldersOf(db, req.params.agentId, page)).map(toWireSource));
  });

  router.patch(`/agents/:agentId/${name}/attach/:folderId`, async (req, res) => {
    const { agentId, folderId } = req.params;
    res.json(await change(req, agentId, folderId, (tx) => attachFolders(tx, agentId, [folderId])));
  });

  /** Detaching a folder that the agent does not have changes nothing. */
  router.patch(`/agents/:agentId/${name}/detach/:folderId`, async (req, res) => {
    const { agentId, folderId } = req.params;
    res.json(await change(req, agentId, folderId, (tx) => detachFolder(tx, agentId, folderId)));
  });

  /** The tools change with the folders, so no cache of the prompt would be left to keep: the system message follows. */
  function change(
    req: Request,
    agentId: string,
    folderId: string,
    apply: (tx: Queryable) => Promise<boolean>,
  ): Promise<object | null> {
    return inTransaction(db, async (tx) => {
      const agent = await lockAgent(tx, agentId);
      await getFolder(tx, folderId);
      if (await apply(tx)) await rebuildSystemMessages(tx, agent, new Date());
      const isOlder = name === 'sources' || isLegacyClient(req);
      return isOlder ? toWireAgent(await loadAgentState(tx, agentId)) : null;
    });
  }
}

function addFileRoutes(router: Router, { db }: ApiDeps): void {
  router.get('/agents/:agentId/files', async (req, res) => {
    const { agentId } = req.params;
    const { is_open: isOpen, cursor, ...page } = parseQuery(ListAgentFilesQuery, req.query);
    const agent = await getAgent(db, agentId);
    const asked = { ...page, after: page.after ?? cursor, limit: page.limit + 1 };
    const found = await listAgentFiles(db, { agentId, isOpen }, asked);
    const hasMore = found.length > page.limit;
    const isBackwards = page.before !== undefined && asked.after === undefined;
    const files = isBackwards ? found.slice(-page.limit) : found.slice(0, page.limit);
    const limit = agent.perFileViewWindowCharLimit;
    const excerpts = await excerptsOf(db, files.filter((file) => file.isOpen), limit); // prettier-ignore
    const items = files.map((file) => {
      const excerpt = excerpts.get(file.id);
      return toWireAgentFile(file, excerpt ? viewOf(excerpt, file, limit).text : null);
    });
    res.json({ files: items, next_cursor: hasMore ? (items.at(-1)?.id ?? null) : null, has_more: hasMore });
  });

  router.patch('/agents/:agentId/files/close-all', async (req, res) => {
    await requireAgent(db, req.params.agentId);
    res.json(await markClosed(db, req.params.agentId, null));
  });

  router.patch('/agents/:agentId/files/:fileId/open', async (req, res) => {
    const { agentId, fileId } = req.params;
    const closed = await inTransaction(db, async (tx) => {
      await requireAgent(tx, agentId);
      const { id } = await requireAgentFile(tx, agentId, fileId);
      return markOpen(tx, agentId, [{ id, firstLine: null, lastLine: null }], 'client');
    });
    res.json(closed);
  });

  router.patch('/agents/:agentId/files/:fileId/close', async (req, res) => {
    const { agentId, fileId } = req.params;
    await requireAgent(db, agentId);
    await requireAgentFile(db, agentId, fileId);
    await markClosed(db, agentId, [fileId]);
    res.json({ message: `File id=${fileId} successfully closed` });
  });
}
