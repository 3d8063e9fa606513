import { randomInt } from 'node:crypto';
import { AppError } from '../domain/errors';
import type { Queryable } from './pool';

/** A number for one worker process. The process holds Postgres' advisory lock of that number for as long as it lives. */
export const newPresence = (): number => randomInt(1, 2 ** 47);

/** The statement that takes the lock for the session that runs it. Postgres frees it when the process dies. */
export const holdPresence = (presence: number): string => `select pg_advisory_lock(${presence})`;

/** Whether the process of this number is alive. Call it in a transaction: the answer may hold the lock until its end. */
export async function isPresent(db: Queryable, presence: number): Promise<boolean> {
  const { rows } = await db.query<{ is_free: boolean }>(
    `select pg_try_advisory_xact_lock($1::bigint) as is_free`,
    [presence],
  );
  return rows[0]?.is_free === false;
}

/** Who claimed a call of a tool, and when. */
export interface ClaimedBy {
  readonly worker: number | null;
  readonly claimed_ms_ago: number | null;
}

// As long as a tool may take at most.
const LONGEST_CALL_MS = 10 * 60_000;

/**
 * UNAVAILABLE while the worker that Temporal lost sight of lives: it may be at work, so the verdict on its call waits for
 * its result, or for its end, as long as the call may take. `code` is that of the call's activity.
 */
export async function refuseWhileRunning(
  db: Queryable,
  code: string | undefined,
  { worker, claimed_ms_ago: claimedMsAgo }: ClaimedBy,
): Promise<void> {
  if (code !== 'WORKER_LOST' || worker === null || (claimedMsAgo ?? 0) > LONGEST_CALL_MS) return;
  if (!(await isPresent(db, worker))) return;
  throw new AppError('UNAVAILABLE', 'the worker that runs this call is alive; its result counts');
}
