import type { EmbeddingTarget } from '../../domain/embedder';
import type { Pool } from '../pool';
import type { DueSource } from './due-embeddings';
import { TOOLS } from './vector-table';

/** SQL of what is searched of a tool, over `tools`. */
export const TOOL_TEXT = 'tool_text(tools.name, tools.description, tools.tags)';

/** Tools that wait for their vectors; all of them are embedded by one model. */
export const toolsDue = ({ handle, dimensions }: EmbeddingTarget): DueSource => ({
  table: TOOLS,
  select: `select taken.id, taken.lease, ${TOOL_TEXT} as text, $1::text as handle, $2::integer as dimensions
             from taken join tools on tools.id = taken.id`,
  values: [handle, dimensions],
});

const AT_A_TIME = 500;

/** Puts down tools that are new, were changed, or have vectors of another model. Returns how many. */
export async function enqueueTools(pool: Pool, { handle, dimensions }: EmbeddingTarget): Promise<number> {
  const { rowCount } = await pool.query(
    `insert into tool_embeddings (id, content_hash, embedding_due)
     select t.id, t.hash, now()
       from (select id, sha256(convert_to(${TOOL_TEXT}, 'UTF8')) as hash from tools) t
            left join tool_embeddings v on v.id = t.id
      where v.id is null or v.content_hash <> t.hash
         or v.embedding_due is null and (v.embedding_model <> $1 or v.embedding_dim <> $2)
      limit ${AT_A_TIME}
     on conflict (id) do update set content_hash = excluded.content_hash, embedding_due = now(), embedding_tries = 0`,
    [handle, dimensions],
  );
  return rowCount ?? 0;
}
