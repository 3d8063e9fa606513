import type { LineMatch } from '../../domain/agent-files';
import type { AgentFiles } from '../../domain/ports';
import type { FileSearch } from '../../domain/search';
import { toolError } from '../../domain/tool-failure';
import { agentNotFound } from '../agents';
import { fromDatabaseError } from '../database-error';
import { storable } from '../json';
import { inTransaction, type Pool } from '../pool';
import { agentFiles, excerptsOf, linesOfText, markClosed, markOpen } from './open-files';

/** The files of an agent's folders, for its tools. */
export const createAgentFiles = (pool: Pool, files: FileSearch): AgentFiles => ({
  list: (agentId) => translated(agentFiles(pool, agentId)),
  limits: (agentId) => translated(limitsOf(pool, agentId)),

  open: (agentId, wanted, { closeOthers, limit }) =>
    translated(
      inTransaction(pool, async (db) => {
        const ids = wanted.map(({ id }) => id);
        const others = closeOthers ? await markClosed(db, agentId, null, ids) : [];
        const evicted = await markOpen(db, agentId, wanted, 'agent');
        return { excerpts: await excerptsOf(db, wanted, limit), closed: [...others, ...evicted] };
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

// What is shown of a line is less, and says so.
const LONGEST_LINE = 1_000;

/**
 * Postgres matches, and cuts what is to be shown: a pattern that would take for ever is stopped there, no process of ours stands
 * still for it, and no whole file is read for some lines of it.
 */
async function grep(
  pool: Pool,
  agentId: string,
  { pattern, fileIds, contextLines, offset, limit }: Parameters<AgentFiles['grep']>[1],
): Promise<{ readonly matches: readonly LineMatch[]; readonly hasMore: boolean }> {
  const rows = await inTransaction(pool, async (db) => {
    await db.query(`select set_config('statement_timeout', $1, true)`, [String(GREP_MS)]);
    const found = await db.query<LineMatch & { readonly id: string }>(
      `with hits as materialized (
              select f.id, folders.name || '/' || f.name as path, l.line
                from files f join folders on folders.id = f.folder_id cross join lateral ${linesOfText('f.content')} as l (text, line)
               where f.id = any($1) and l.text ~* $2
               order by path, f.id, l.line offset $3 limit $4),
            shown as (
              select f.id, l.text, l.line from files f cross join lateral ${linesOfText('f.content')} as l (text, line)
               where f.id in (select id from hits)
                 and exists (select from hits where hits.id = f.id and l.line between hits.line - $5 and hits.line + $5))
       select hits.id, hits.path, hits.line::integer as line,
              (select jsonb_agg(jsonb_build_object('line', shown.line, 'text', left(shown.text, ${LONGEST_LINE})) order by shown.line)
                 from shown where shown.id = hits.id and shown.line between hits.line - $5 and hits.line + $5) as context
         from hits order by path, hits.id, hits.line`,
      [fileIds, toPostgresPattern(pattern), offset, limit + 1, contextLines],
    );
    const ids = [...new Set(found.rows.slice(0, limit).map(({ id }) => id))];
    await db.query(
      `update agent_files set last_accessed_at = clock_timestamp() where agent_id = $1 and file_id = any($2)`,
      [agentId, ids],
    );
    return found.rows;
  }).catch(rethrowPatternError);
  const matches = rows.slice(0, limit).map(({ path, line, context }) => ({ path, line, context }));
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
