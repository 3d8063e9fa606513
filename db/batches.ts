import { type Batch, BATCH_RUNS_AT_A_TIME } from '../domain/batch';
import type { TurnInput } from '../domain/turn';
import { toTurnInput, TURN_COLUMNS, type TurnRow } from './end-run';
import { createConditions, type Page, selectPage } from './keyset';
import type { Queryable } from './pool';

// A batch that was cancelled stays so; one that is over failed only where nothing of it came to an end that was meant.
const SELECT = `
  select batches.id, batches.created_at as "createdAt", batches.callback_url as "callbackUrl",
         batches.callback_sent_at as "callbackSentAt", batches.callback_status_code as "callbackStatusCode",
         batches.callback_error as "callbackError", coalesce(seen.counts, '{}') as counts,
         case when batches.cancelled_at is not null then 'cancelled' when seen.open > 0 then 'running'
              when seen.failed > 0 and seen.failed = seen.runs then 'failed' else 'completed' end as status,
         case when batches.cancelled_at is not null then batches.cancelled_at
              when seen.open > 0 then null else coalesce(seen.ended_at, batches.created_at) end as "completedAt"
    from batches cross join lateral (
      select sum(n)::integer as runs, coalesce(sum(n) filter (where status in ('created', 'running')), 0) as open,
             coalesce(sum(n) filter (where status = 'failed'), 0) as failed, max(ended_at) as ended_at,
             jsonb_object_agg(status, n) filter (where n > 0) as counts
        from (select status, count(*) as n, max(completed_at) as ended_at from runs where batch_id = batches.id group by status) by_status) seen`;

export const insertBatch = async (
  db: Queryable,
  { id, callbackUrl }: Pick<Batch, 'id' | 'callbackUrl'>,
): Promise<void> => {
  await db.query('insert into batches (id, callback_url) values ($1, $2)', [id, callbackUrl]);
};

/** Those of these batches that exist. */
export async function findBatches(db: Queryable, ids: readonly string[]): Promise<readonly Batch[]> {
  const { rows } = await db.query<Batch>(`${SELECT} where batches.id = any($1)`, [ids]);
  return rows;
}

/** One page of the batches that are not over, by creation time. */
export function listOpenBatches(db: Queryable, page: Page): Promise<readonly Batch[]> {
  const conditions = createConditions();
  conditions.add(
    `batches.cancelled_at is null
       and exists (select from runs where batch_id = batches.id and status in ('created', 'running'))`,
  );
  return selectPage<Batch>(db, {
    table: 'batches',
    select: SELECT,
    ...conditions,
    sortBy: (t) => `${t}.created_at`,
    page,
  });
}

/** Marks a batch as cancelled, and returns the runs of it that are not over, by agent. */
export async function markBatchCancelled(
  db: Queryable,
  id: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await db.query<{ agent_id: string; run_ids: readonly string[] }>(
    `with marked as (update batches set cancelled_at = coalesce(cancelled_at, now()) where id = $1)
     select agent_id, array_agg(id) as run_ids from runs
      where batch_id = $1 and status in ('created', 'running') group by agent_id`,
    [id],
  );
  return new Map(rows.map((row) => [row.agent_id, row.run_ids]));
}

/**
 * The runs of batches whose turn it is: the oldest that wait, one of a conversation, as many as there are places. None whose
 * conversation is busy, for then the workflow that is busy with it takes them up.
 */
export async function findBatchRunsToStart(db: Queryable): Promise<readonly TurnInput[]> {
  const { rows } = await db.query<TurnRow>(
    `with places as (select ${BATCH_RUNS_AT_A_TIME} - count(*) as free from runs where batch_id is not null and status = 'running')
     select ${TURN_COLUMNS} from runs
      where batch_id is not null and status = 'created' and joined_run_id is null and cancel_requested_at is null
        and not exists (select from runs other
                         where other.conversation_id = runs.conversation_id and other.status in ('created', 'running')
                           and (other.status = 'running' or other.queue_seq < runs.queue_seq))
      order by queue_seq limit (select greatest(free, 0) from places)`,
  );
  return rows.map(toTurnInput);
}
