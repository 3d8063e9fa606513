import type { Batch } from '../domain/batch';
import { findBatches } from './batches';
import { listMessages } from './messages';
import { loadRunResult, type RunResult } from './runs';
import { inTransaction, type Pool, type Queryable } from './pool';

/** What came of a callback: the status the receiver answered with, or why it got nothing. */
export type Delivery = { readonly status: number } | { readonly error: string };

/**
 * Takes one ended run whose callback is due, delivers it and stores what came of it. The run is locked meanwhile, so of
 * several processes one delivers; a process that dies in between leaves it due, so a receiver may hear twice. False if
 * none is due.
 */
export const deliverNextCallback = (
  pool: Pool,
  deliver: (url: string, result: RunResult) => Promise<Delivery>,
): Promise<boolean> =>
  deliverNext(
    pool,
    { table: 'runs', isOver: 'completed_at is not null', order: 'completed_at' },
    async (db, { id, url }) => deliver(url, await loadWhole(db, id)),
  );

/** The same for a batch, once none of its runs is open. */
export const deliverNextOfBatch = (
  pool: Pool,
  deliver: (url: string, batch: Batch) => Promise<Delivery>,
): Promise<boolean> =>
  deliverNext(
    pool,
    { table: 'batches', isOver: IS_BATCH_OVER, order: 'created_at' },
    async (db, { id, url }) => {
      const [batch] = await findBatches(db, [id]);
      return batch ? deliver(url, batch) : { error: 'the batch is gone' };
    },
  );

const IS_BATCH_OVER = `not exists (select from runs where batch_id = batches.id and runs.status in ('created', 'running'))`;

/** Names of our own, never user input. */
interface Caller {
  readonly table: 'runs' | 'batches';
  readonly isOver: string;
  readonly order: string;
}

function deliverNext(
  pool: Pool,
  { table, isOver, order }: Caller,
  deliver: (db: Queryable, due: { readonly id: string; readonly url: string }) => Promise<Delivery>,
): Promise<boolean> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ id: string; url: string }>(
      `select id, callback_url as url from ${table}
        where callback_url is not null and callback_sent_at is null and ${isOver}
        order by ${order} limit 1 for update skip locked`,
    );
    const due = rows[0];
    if (!due) return false;
    const delivery = await deliver(db, due);
    await db.query(
      `update ${table} set callback_sent_at = now(), callback_status_code = $2, callback_error = $3 where id = $1`,
      'status' in delivery ? [due.id, delivery.status, null] : [due.id, null, delivery.error],
    );
    return true;
  });
}

const ALL = { before: undefined, after: undefined, limit: 100_000, order: 'asc' } as const;

/** A callback tells all messages of its run, also those that it was sent: nobody holds the request any more. */
async function loadWhole(db: Queryable, runId: string): Promise<RunResult> {
  const result = await loadRunResult(db, runId);
  const own = await listMessages(db, { runId }, ALL);
  return { ...result, messages: result.run.joinedRunId === null ? own : [...own, ...result.messages] };
}
