import { inTransaction } from '../../../db/pool';
import { createTestDatabase, type TestDatabase } from '../../support/stack';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

it('a connection that breaks while it is in use fails its query and nothing else', async () => {
  const { pool } = database;
  const client = await pool.connect();
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  const broken = new Promise((resolve) => client.once('end', resolve));

  await pool.query('select pg_terminate_backend($1)', [rows[0]!.pid]);
  await broken;

  await expect(client.query('select 1')).rejects.toThrow(/not queryable/);
  client.release(true);
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

it('two transactions that lock each other out are both stored in the end', async () => {
  const { pool } = database;
  await pool.query('create table pair (id int primary key, n int not null)');
  await pool.query('insert into pair values (1, 0), (2, 0)');
  let tries = 0;
  let bothHold = () => {};
  const held = new Promise<void>((resolve) => (bothHold = resolve));
  const addToBoth = (first: number, second: number) =>
    inTransaction(pool, async (db) => {
      tries += 1;
      await db.query('update pair set n = n + 1 where id = $1', [first]);
      if (tries === 2) bothHold();
      await held;
      await db.query('update pair set n = n + 1 where id = $1', [second]);
    });

  await Promise.all([addToBoth(1, 2), addToBoth(2, 1)]);

  expect((await pool.query('select n from pair order by id')).rows).toEqual([{ n: 2 }, { n: 2 }]);
  expect(tries).toBe(3);
});

it('statements that travel together are run in order, and one that fails leaves nothing of the others', async () => {
  const { pool } = database;
  await pool.query('create table trips (n int primary key)');
  const insert = (n: number) => ({ text: 'insert into trips values ($1)', values: [n] });
  const inOneTrip = (...numbers: readonly number[]) =>
    inTransaction(pool, (db) => Promise.all(numbers.map((n) => db.query(insert(n)))));

  await expect(inOneTrip(1, 2, 1, 3)).rejects.toMatchObject({ code: '23505' });
  expect((await pool.query('select n from trips')).rows).toEqual([]);

  await inOneTrip(1, 2);
  expect((await pool.query('select n from trips order by n')).rows).toEqual([{ n: 1 }, { n: 2 }]);
});

it('a transaction whose failed statement nobody heard of is an error, and is not stored', async () => {
  const { pool } = database;
  await pool.query('create table unheard (n int primary key)');

  const stored = inTransaction(pool, async (db) => {
    await db.query('insert into unheard values (1)');
    await db.query('insert into unheard values (1)').catch(() => undefined);
  });

  await expect(stored).rejects.toThrow('failed unheard');
  expect((await pool.query('select n from unheard')).rows).toEqual([]);
});

it('statements that travel together all fail when their connection breaks', async () => {
  const { pool } = database;
  const together = inTransaction(pool, (db) =>
    Promise.allSettled([
      db.query('select pg_terminate_backend(pg_backend_pid())'),
      db.query('select 1'),
      db.query('select 2'),
    ]).then((results) => {
      expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    }),
  );

  await expect(together).rejects.toThrow();
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});
