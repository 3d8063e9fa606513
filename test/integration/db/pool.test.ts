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
