import { DatabaseError, Pool, types, type PoolClient } from 'pg';
import { AppError } from '../domain/errors';

// int8 as number: our counters stay far below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

export type { Pool } from 'pg';
/** What a repository function runs on: the pool, or the client of an open transaction. */
export type Queryable = Pick<PoolClient, 'query'>;

/**
 * A pool on `url`. A connection that breaks while idle is dropped and replaced; `onError` hears of it. One that breaks
 * in use fails the query, and the process goes on. Statements that nobody waits between travel together: Postgres takes
 * them one by one, in order, and after one that failed in a transaction none of the others counts. Of work that travels
 * together in a transaction only the last may have further statements to send: nothing follows a rollback.
 */
export function createPool(
  url: string,
  { max, onError }: { max: number; onError: (error: Error) => void },
): Pool {
  const pool = new Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    pipeline: true,
  });
  pool.on('error', onError);
  // The pool takes its own listener off while a connection is in use; an error without any would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

// Postgres' deadlock_detected and serialization_failure: the transaction changed nothing and may be run again.
const RACES = ['40P01', '40001'];
const TRIES = 3;

/**
 * Runs `work` in one transaction: all of its writes are stored, or none. Errors roll back and are rethrown. A transaction
 * that Postgres gave up for the sake of another one is run again, so `work` touches nothing but the database.
 */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await runOnce(pool, work);
    } catch (error) {
      const isRace = error instanceof DatabaseError && RACES.includes(error.code ?? '');
      if (!isRace || tries === TRIES) throw error;
    }
  }
}

/** Runs `work` in a transaction of which nothing is kept, whatever it writes: it tells what would be. */
export async function withoutTrace<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const kept: { result?: T } = {};
  const rollBack = new Error('nothing of this is kept');
  await inTransaction(pool, async (client) => {
    kept.result = await work(client);
    throw rollBack;
  }).catch((error: unknown) => {
    if (error !== rollBack) throw error;
  });
  return kept.result as T; // the work ended, or threw above
}

async function runOnce<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    // Travels with the first statement of the work.
    const begun = client.query('begin');
    begun.catch(() => undefined);
    const result = await work(client);
    await begun;
    const { command } = await client.query('commit');
    // Postgres answers so, and without an error, when a statement failed and the work went on.
    if (command !== 'COMMIT') throw new AppError('INTERNAL', 'a statement of a transaction failed unheard');
    return result;
  } catch (error) {
    // A connection that cannot roll back is dead: it must not return to the pool.
    await client.query('rollback').catch((reason: unknown) => {
      broken = reason instanceof Error ? reason : new Error(String(reason));
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
