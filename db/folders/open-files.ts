import type { AgentFile, FileExcerpt, FileRange } from '../../domain/agent-files';
import { AppError } from '../../domain/errors';
import { createConditions, type Page, selectPage } from '../keyset';
import type { Queryable } from '../pool';

const AGENT_FILES = `select files.id, folders.name || '/' || files.name as path, files.folder_id as "folderId",
       folders.name as "folderName", coalesce(af.is_open, false) as "isOpen", af.first_line as "firstLine",
       af.last_line as "lastLine", af.last_accessed_at as "lastAccessedAt"
  from agent_folders g join folders on folders.id = g.folder_id join files on files.folder_id = g.folder_id
       left join agent_files af on af.file_id = files.id and af.agent_id = g.agent_id`;

/** Every file that an agent can look into, by path. */
export async function agentFiles(db: Queryable, agentId: string): Promise<readonly AgentFile[]> {
  const { rows } = await db.query<AgentFile>(`${AGENT_FILES} where g.agent_id = $1 order by path, files.id`, [
    agentId,
  ]);
  return rows;
}

/** One page of the files that an agent can look into, of the open or closed ones if `isOpen` says so. */
export function listAgentFiles(
  db: Queryable,
  { agentId, isOpen }: { readonly agentId: string; readonly isOpen: boolean | undefined },
  page: Page,
): Promise<readonly AgentFile[]> {
  const conditions = createConditions();
  conditions.add('g.agent_id = ?', agentId);
  if (isOpen !== undefined) conditions.add('coalesce(af.is_open, false) = ?', isOpen);
  return selectPage<AgentFile>(db, {
    table: 'files',
    select: AGENT_FILES,
    ...conditions,
    sortBy: (t) => `${t}.created_at`,
    page,
  });
}

/** A file that an agent can look into; NOT_FOUND if it can't. */
export async function requireAgentFile(db: Queryable, agentId: string, fileId: string): Promise<AgentFile> {
  const { rows } = await db.query<AgentFile>(`${AGENT_FILES} where g.agent_id = $1 and files.id = $2`, [
    agentId,
    fileId,
  ]);
  if (rows[0]) return rows[0];
  throw new AppError(
    'NOT_FOUND',
    `File with id=${fileId} not found among the files of agent ${agentId}. Attach its folder first.`,
  );
}

/**
 * Notes, in the caller's transaction, that an agent has these files open, and returns the paths of those that were closed:
 * the ones read longest ago, where it would have more open than it may.
 */
export async function markOpen(
  db: Queryable,
  agentId: string,
  files: readonly (FileRange & { readonly id: string })[],
  by: 'agent' | 'client',
): Promise<readonly string[]> {
  // In one order, so that two calls at once do not wait for each other.
  const sorted = [...files].sort((a, b) => (a.id < b.id ? -1 : 1));
  await db.query(
    `insert into agent_files (agent_id, file_id, is_open, by_client, first_line, last_line)
     select $1, id, true, $5, first_line, last_line
       from unnest($2::text[], $3::integer[], $4::integer[]) as given (id, first_line, last_line)
     on conflict (agent_id, file_id) do update set is_open = true, by_client = $5, first_line = excluded.first_line,
        last_line = excluded.last_line, last_accessed_at = clock_timestamp()`,
    [
      agentId,
      sorted.map(({ id }) => id),
      sorted.map(({ firstLine }) => firstLine),
      sorted.map(({ lastLine }) => lastLine),
      by === 'client',
    ],
  );
  const { rows } = await db.query<{ id: string }>(
    `select file_id as id from agent_files where agent_id = $1 and is_open
      order by file_id = any($2) desc, last_accessed_at desc, file_id
     offset (select max_files_open from agents where id = $1)`,
    [agentId, sorted.map(({ id }) => id)],
  );
  return markClosed(db, agentId, rows.map(({ id }) => id)); // prettier-ignore
}

/** Notes that an agent has these files open no more; null closes all. Returns the paths of those that were open. */
export async function markClosed(
  db: Queryable,
  agentId: string,
  fileIds: readonly string[] | null,
  keep: readonly string[] = [],
): Promise<readonly string[]> {
  const { rows } = await db.query<{ path: string }>(
    `update agent_files af set is_open = false, first_line = null, last_line = null
       from files f join folders on folders.id = f.folder_id
      where af.agent_id = $1 and af.is_open and f.id = af.file_id
        and ($2::text[] is null or f.id = any($2)) and not f.id = any($3)
     returning folders.name || '/' || f.name as path`,
    [agentId, fileIds, keep],
  );
  return rows.map(({ path }) => path).sort();
}

/** The lines of a text as rows `(text, line)`. A line break at the end begins no further line. */
export const linesOfText = (text: string): string =>
  `string_to_table(replace(rtrim(left(${text}, length(${text}) - (right(${text}, 1) = E'\\n')::integer), E'\\r'), E'\\r\\n', E'\\n'), E'\\n')
     with ordinality`;

/** What was asked for of files, by id: whole lines, as many as fit into `limit` characters of each, and the first of them in any case. */
export async function excerptsOf(
  db: Queryable,
  files: readonly (FileRange & { readonly id: string })[],
  limit: number,
): Promise<ReadonlyMap<string, FileExcerpt>> {
  if (files.length === 0) return new Map();
  const { rows } = await db.query<FileExcerpt & { readonly id: string }>(
    `select files.id, l.lines, l.line_count as "lineCount"
       from unnest($1::text[], $2::integer[], $3::integer[]) as wanted (id, first_line, last_line)
            join files on files.id = wanted.id
            cross join lateral (
              select count(*)::integer as line_count,
                     coalesce(array_agg(left(text, $4) order by line) filter (where is_wanted and before < $4), '{}') as lines
                from (select text, line, is_wanted,
                             sum(case when is_wanted then length(text) + 1 else 0 end) over (order by line) - length(text) - 1 as before
                        from (select text, line, line between coalesce(first_line, 1) and coalesce(last_line, 2147483647) as is_wanted
                                from ${linesOfText('files.content')} as l (text, line)) numbered) measured) l`,
    [
      files.map(({ id }) => id),
      files.map(({ firstLine }) => firstLine),
      files.map(({ lastLine }) => lastLine),
      limit,
    ],
  );
  return new Map(rows.map(({ id, ...excerpt }) => [id, excerpt]));
}
