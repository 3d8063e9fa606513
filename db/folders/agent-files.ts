import type { LineMatch } from '../../domain/agent-files';
import { linesOf } from '../../domain/file-text';
import type { AgentFiles } from '../../domain/ports';
import type { FileSearch } from '../../domain/search';
import { toolError } from '../../domain/tool-failure';
import { agentNotFound } from '../agents';
import { fromDatabaseError } from '../database-error';
import { storable } from '../json';
import { inTransaction, type Pool } from '../pool';
import { agentFiles, contentsOf, markClosed, markOpen } from './open-files';

/** The files of an agent's folders, for its tools. */
export const createAgentFiles = (pool: Pool, files: FileSearch): AgentFiles => ({
  list: (agentId) => translated(agentFiles(pool, agentId)),
  limits: (agentId) => translated(limitsOf(pool, agentId)),

  open: (agentId, wanted, closeOthers) =>
    translated(
      inTransaction(pool, async (db) => {
        const ids = wanted.map(({ id }) => id);
        const others = closeOthers ? await markClosed(db, agentId, null, ids) : [];
        const evicted = await markOpen(db, agentId, wanted);
        return { contents: await contentsOf(db, ids), closed: [...others, ...evicted] };
      }),
    ),

  grep: (agentId, query) => translated(grep(pool, agentId, query)),

  async search(agentId, text, limit) {
    const { rows } = await translated(
      pool.query<{ id: string }>('select folder_id as id from agent_folders where agent_id = $1', [agentId]),
    );
    const folderIds = rows.map(({ id }) => id);
    const found = await translated(files.search({ text, mode: 'hybrid', limit, folderIds }));
    return found.hits.map(({ passage }) => passage);
  },
});

const translated = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw fromDatabaseError(error) ?? error;
  });

async function limitsOf(pool: Pool, agentId: string) {
  const { rows } = await pool.query<{ mostOpen: number; charLimit: number }>(
    `select max_files_open as "mostOpen", per_file_view_window_char_limit as "charLimit" from agents where id = $1`,
    [agentId],
  );
  if (rows[0]) return rows[0];
  throw agentNotFound(agentId);
}

const GREP_MS = 5_000;
// Postgres names the edges of a word otherwise than the rest of the world does.
const WORD_EDGES: Readonly<Record<string, string>> = { b: '\\y', B: '\\Y' };
const toPostgresPattern = (pattern: string): string =>
  storable(pattern).replace(/\\(.)/gs, (escape, letter: string) => WORD_EDGES[letter] ?? escape);

/** Postgres matches: a pattern that would take for ever is stopped there, and no process of ours stands still for it. */
async function grep(
  pool: Pool,
  agentId: string,
  { pattern, fileIds, contextLines, offset, limit }: Parameters<AgentFiles['grep']>[1],
): Promise<{ readonly matches: readonly LineMatch[]; readonly hasMore: boolean }> {
  const { rows, contents } = await inTransaction(pool, async (db) => {
    await db.query(`select set_config('statement_timeout', $1, true)`, [String(GREP_MS)]);
    const found = await db.query<{ id: string; path: string; line: number }>(
      `select f.id, folders.name || '/' || f.name as path, l.line::integer as line
         from files f join folders on folders.id = f.folder_id
              cross join lateral string_to_table(replace(f.content, E'\\r\\n', E'\\n'), E'\\n') with ordinality as l (text, line)
        where f.id = any($1) and l.text ~* $2
        order by path, f.id, l.line offset $3 limit $4`,
      [fileIds, toPostgresPattern(pattern), offset, limit + 1],
    );
    const page = found.rows.slice(0, limit);
    const ids = [...new Set(page.map(({ id }) => id))];
    await db.query(
      `update agent_files set last_accessed_at = clock_timestamp() where agent_id = $1 and file_id = any($2)`,
      [agentId, ids],
    );
    return { rows: found.rows, contents: await contentsOf(db, ids) };
  }).catch(rethrowPatternError);
  const lines = new Map([...contents].map(([id, content]) => [id, linesOf(content)]));
  const matches = rows.slice(0, limit).map(({ id, path, line }) => {
    const all = lines.get(id) ?? [];
    const from = Math.max(1, line - contextLines);
    const context = all
      .slice(from - 1, line + contextLines)
      .map((text, place) => ({ line: from + place, text }));
    return { path, line, context };
  });
  return { matches, hasMore: rows.length > limit };
}

function rethrowPatternError(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  if (code === '2201B') {
    throw toolError('ValueError', `The pattern is no regular expression: ${(error as Error).message}.`);
  }
  if (code === '57014') {
    throw toolError('TimeoutError', `The search took longer than ${GREP_MS / 1000} s. Use a simpler pattern, or include fewer files.`); // prettier-ignore
  }
  throw error;
}
