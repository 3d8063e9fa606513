import type { Directory } from '../../domain/agent-files';
import { AppError } from '../../domain/errors';
import type { Folder } from '../../domain/folder';
import { attachTools } from '../agent-attachments';
import { type Page, selectPage } from '../keyset';
import type { Queryable } from '../pool';
import { FOLDER_COLUMNS } from './folders';

/** What an agent looks into its folders with; it has these tools as long as it has a folder. */
const FILE_TOOLS_TYPE = 'letta_files_core';

/**
 * Gives an agent folders, in the caller's transaction, and the tools to look into them; those that it has it keeps. NOT_FOUND
 * when one does not exist. Returns whether one is new to it.
 */
export async function attachFolders(
  db: Queryable,
  agentId: string,
  folderIds: readonly string[],
): Promise<boolean> {
  if (folderIds.length === 0) return false;
  const { rows: missing } = await db.query<{ id: string }>(
    `select id from unnest($1::text[]) wanted (id) where id not in (select id from folders)`,
    [folderIds],
  );
  if (missing.length > 0) {
    throw new AppError('NOT_FOUND', `Folders not found by id: ${missing.map(({ id }) => id).join(', ')}`);
  }
  const { rowCount } = await db.query(
    `insert into agent_folders (agent_id, folder_id) select $1, unnest($2::text[]) on conflict do nothing`,
    [agentId, folderIds],
  );
  const { rows: tools } = await db.query<{ id: string }>(
    `select id from tools where tool_type = $1 order by name desc`,
    [FILE_TOOLS_TYPE],
  );
  await attachTools(db, agentId, tools.map(({ id }) => id)); // prettier-ignore
  return (rowCount ?? 0) > 0;
}

/** Takes a folder from an agent, in the caller's transaction. False when it did not have it. */
export const detachFolder = (db: Queryable, agentId: string, folderId: string): Promise<boolean> =>
  detach(db, agentId, 'folder_id = any($2)', [folderId]);

/** Takes the agent's folders of which `which` holds; with the last one its file tools go. */
async function detach(
  db: Queryable,
  agentId: string,
  which: 'folder_id = any($2)' | 'not folder_id = any($2)',
  folderIds: readonly string[],
): Promise<boolean> {
  const { rowCount } = await db.query(`delete from agent_folders where agent_id = $1 and ${which}`, [
    agentId,
    folderIds,
  ]);
  if (rowCount === 0) return false;
  await forgetLostFiles(db, agentId);
  return true;
}

/** Makes these the only folders of an agent, in the caller's transaction. Returns whether anything changed. */
export async function replaceFolders(
  db: Queryable,
  agentId: string,
  folderIds: readonly string[],
): Promise<boolean> {
  const hasMore = await attachFolders(db, agentId, folderIds);
  return (await detach(db, agentId, 'not folder_id = any($2)', folderIds)) || hasMore;
}

/** Takes from an agent what it has of folders that it has no more: open files and, with the last folder, the file tools. */
export async function forgetLostFiles(db: Queryable, agentId: string): Promise<void> {
  await db.query(
    `delete from agent_files af using files f
      where af.agent_id = $1 and f.id = af.file_id
        and not exists (select from agent_folders g where g.agent_id = $1 and g.folder_id = f.folder_id)`,
    [agentId],
  );
  await db.query(
    `delete from agent_tools at using tools t
      where at.agent_id = $1 and t.id = at.tool_id and t.tool_type = $2
        and not exists (select from agent_folders where agent_id = $1)`,
    [agentId, FILE_TOOLS_TYPE],
  );
}

/** The ids of all agents that have a folder, in one order for all who lock them. */
export async function agentsWith(db: Queryable, folderId: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    'select agent_id as id from agent_folders where folder_id = $1 order by agent_id',
    [folderId],
  );
  return rows.map(({ id }) => id);
}

/** One page of the folders of an agent. */
export function listFoldersOf(db: Queryable, agentId: string, page: Page): Promise<readonly Folder[]> {
  return selectPage<Folder>(db, {
    table: 'folders',
    select: `select ${FOLDER_COLUMNS} from folders`,
    where: ['folders.id in (select folder_id from agent_folders where agent_id = $1)'],
    values: [agentId],
    sortBy: (t) => `${t}.created_at`,
    page,
  });
}

/** The folders of each of these agents, in the order in which they got them. Agents without folders have no entry. */
export async function foldersOf(
  db: Queryable,
  agentIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Folder[]>> {
  const { rows } = await db.query<Folder & { readonly agentId: string }>(
    `select af.agent_id as "agentId", ${FOLDER_COLUMNS}
       from agent_folders af join folders on folders.id = af.folder_id
      where af.agent_id = any($1) order by af.created_at, folders.id`,
    [agentIds],
  );
  const groups = new Map<string, Folder[]>();
  for (const { agentId, ...folder } of rows) groups.set(agentId, [...(groups.get(agentId) ?? []), folder]);
  return groups;
}

// More would crowd the prompt.
const MOST_FILES_TOLD = 50;

/** SQL for what an agent's prompt says of its folders, by name. */
const directories = (agentId: string): string =>
  `select folders.name, folders.description, folders.instructions,
          array(select folders.name || '/' || f.name from files f where f.folder_id = folders.id
                 order by f.name limit ${MOST_FILES_TOLD}) as files,
          (select count(*)::integer from files f where f.folder_id = folders.id) as "fileCount"
     from agent_folders af join folders on folders.id = af.folder_id
    where af.agent_id = ${agentId} order by folders.name`;

/** What an agent's prompt says of its folders, by name. */
export async function directoriesOf(db: Queryable, agentId: string): Promise<readonly Directory[]> {
  const { rows } = await db.query<Directory>(directories('$1'), [agentId]);
  return rows;
}

/** What a step reads of its agent's folders: SQL for an object of `directories` and `open`; null where it has none. */
export const foldersOfStep = (agentId: string): string =>
  `(select jsonb_build_object(
      'directories', (select jsonb_agg(d order by d.name) from (${directories(agentId)}) d),
      'open', (select coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'path', folders.name || '/' || f.name, 'byClient', af.by_client)
                                order by folders.name, f.name), '[]')
                 from agent_files af join files f on f.id = af.file_id join folders on folders.id = f.folder_id
                where af.agent_id = ${agentId} and af.is_open))
     where exists (select from agent_folders where agent_id = ${agentId}))`;
