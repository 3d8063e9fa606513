import { randomInt } from 'node:crypto';
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
