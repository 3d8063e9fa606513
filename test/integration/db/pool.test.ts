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
