import { listMessages } from './messages';
import { getRun, loadRunResult, type RunResult } from './runs';
import { inTransaction, type Pool, type Queryable } from './pool';

/** What came of a callback: the status the receiver answered with, or why it got nothing. */
export type Delivery = { readonly status: number } | { readonly error: string };

/**
 * Takes one ended run whose callback is due, delivers it and stores what came of it. The run is locked meanwhile, so of
 * several processes one delivers; a process that dies in between leaves it due, so a receiver may hear twice. False if
 * none is due.
 */
export function deliverNextCallback(
  pool: Pool,
  deliver: (url: string, result: RunResult) => Promise<Delivery>,
): Promise<boolean> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ id: string }>(
      `select id from runs
        where callback_url is not null and callback_sent_at is null and completed_at is not null
        order by completed_at limit 1 for update skip locked`,
    );
    const id = rows[0]?.id;
    if (id === undefined) return false;
    const { callbackUrl } = await getRun(db, id);
    const delivery = await deliver(callbackUrl ?? '', await loadWhole(db, id));
    await db.query(
      `update runs set callback_sent_at = now(), callback_status_code = $2, callback_error = $3 where id = $1`,
      'status' in delivery ? [id, delivery.status, null] : [id, null, delivery.error],
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
