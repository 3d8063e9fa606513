import type { EmbeddingTarget } from '../../domain/embedder';
import { inTransaction, type Pool, type Queryable } from '../pool';
import type { DueSource } from './due-embeddings';
import { dimensionsIn, MESSAGES } from './vector-table';

// Embedders read no more of a text.
const MOST_CHARACTERS = 10_000;

/** Messages that wait for their vectors, by the model of their agent. */
export const MESSAGES_DUE: DueSource = {
  table: MESSAGES,
  select: `select taken.id, taken.lease, left(message_text(m.parts), ${MOST_CHARACTERS}) as text, e.model as handle, e.dimensions
             from taken join messages m on m.id = taken.id join embedded_agents e on e.agent_id = taken.agent_id`,
  values: [],
};

/** How many messages of an agent are put down at a time. */
const AT_A_TIME = 500;

/**
 * Puts down messages that came since the last time, of agents that have an embedding model: their own, else `fallback`. An
 * agent whose model has changed begins anew. Nothing of it happens in turns: it finds messages by their order alone.
 * Returns how many were put down; one process at a time does it, the others put down none.
 */
export function enqueueMessages(pool: Pool, fallback: EmbeddingTarget | null): Promise<number> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ mine: boolean }>(
      `select pg_try_advisory_xact_lock(hashtextextended('everturn.message-embeddings', 0)) as mine`,
    );
    if (rows[0]?.mine !== true) return 0;
    await adoptModels(db, fallback);
    return enqueue(db);
  });
}

async function adoptModels(db: Queryable, fallback: EmbeddingTarget | null): Promise<void> {
  const { handle = null, dimensions = null } = fallback ?? {};
  await db.query(
    `insert into embedded_agents (agent_id, model, dimensions)
     select * from (select id, coalesce(embedding, $1) as model,
                           case when embedding is null then $2 else ${dimensionsIn('embedding_config')} end as dimensions
                      from agents where embedding is not null or $1 is not null) wanted
      where dimensions is not null
        and not exists (select from embedded_agents e
                         where e.agent_id = wanted.id and e.model = wanted.model and e.dimensions = wanted.dimensions)
     on conflict (agent_id) do update set model = excluded.model, dimensions = excluded.dimensions,
                                          settled = 0, seen = 0, seen_in = null`,
    [handle, dimensions],
  );
}

// A message with a lower `seq` may be committed after one with a higher. What this statement sees is all there is up to
// `seen` when every transaction that ran as `seen` was noted has ended: only then is it looked over for the last time.
async function enqueue(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `with behind as (
       select e.*, last.seq as last from embedded_agents e cross join lateral (
         select seq from messages where agent_id = e.agent_id order by seq desc limit 1) last
        where last.seq > e.settled),
     found as (
       select b.agent_id, m.id, m.seq from behind b cross join lateral (
         select id, seq from messages
          where agent_id = b.agent_id and seq > b.settled and role in ('user', 'assistant')
            and message_text(parts) ~ '\\S'
            and not exists (select from message_embeddings v
                             where v.id = messages.id and (v.embedding_due is not null
                                   or v.embedding_model = b.model and v.embedding_dim = b.dimensions))
          order by seq limit ${AT_A_TIME}) m),
     put as (
       insert into message_embeddings (id, agent_id, embedding_due) select id, agent_id, now() from found
       on conflict (id) do update set embedding_due = now(), embedding_tries = 0),
     reached as (
       select b.*, case when n.count = ${AT_A_TIME} then n.last else b.last end as up_to,
              b.seen_in <= pg_snapshot_xmin(pg_current_snapshot()) as is_settled
         from behind b left join (select agent_id, count(*), max(seq) as last from found group by agent_id) n using (agent_id)),
     marked as (
       update embedded_agents e set settled = case when r.is_settled then least(r.seen, r.up_to) else r.settled end,
              seen = r.up_to, seen_in = pg_snapshot_xmax(pg_current_snapshot())
         from reached r where e.agent_id = r.agent_id and r.is_settled is distinct from false)
     select count(*) from found`,
  );
  return rows[0]?.count ?? 0;
}
