import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { createPool, type Pool } from '../../db/pool';

/** A database of one test file: migrated, empty, and nobody else's. */
export interface TestDatabase {
  readonly url: string;
  readonly pool: Pool;
  /** Closes the pool and drops the database, whoever is still connected. */
  drop(): Promise<void>;
}

/** Address of the Temporal server that this test run shares. Use a task queue of your own. */
export const testTemporalAddress = (): string => fromSetup('TEST_TEMPORAL_ADDRESS');

/** Clones the migrated template: about 50 ms. Call `drop` in afterAll. */
export const createTestDatabase = (): Promise<TestDatabase> =>
  createDatabase(new URL(fromSetup('TEST_DATABASE_URL')).pathname.slice(1));

/** A database without a schema, for tests of the migrations themselves. */
export const createEmptyDatabase = (): Promise<TestDatabase> => createDatabase('template0');

async function createDatabase(template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(`create database ${name} template ${template}`);
  const url = Object.assign(new URL(fromSetup('TEST_DATABASE_URL')), { pathname: `/${name}` }).href;
  const pool = createPool(url, { max: 10, onError: () => undefined });
  return {
    url,
    pool,
    async drop() {
      await pool.end();
      await administer(`drop database ${name} with (force)`);
    },
  };
}

async function administer(sql: string): Promise<void> {
  const url = Object.assign(new URL(fromSetup('TEST_DATABASE_URL')), { pathname: '/postgres' }).href;
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** What global-setup tells the test files. */
export function fromSetup(name: string): string {
  const value = process.env[name];
  if (!value)
    throw new Error(`${name} is not set: this test's folder needs the globalSetup of jest.config.cjs`);
  return value;
}
