import { DatabaseError, Pool, types, type PoolClient } from 'pg';

// int8 as number: our counters stay far below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

export type { Pool } from 'pg';
/** What a repository function runs on: the pool, or the client of an open transaction. */
export type Queryable = Pick<PoolClient, 'query'>;

/**
 * A pool on `url`. A connection that breaks while idle is dropped and replaced; `onError` hears of it. One that breaks
 * in use fails the query, and the process goes on.
 */
export function createPool(
  url: string,
  { max, onError }: { max: number; onError: (error: Error) => void },
): Pool {
  const pool = new Pool({ connectionString: url, max, connectionTimeoutMillis: 10_000, keepAlive: true });
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

async function runOnce<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
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
