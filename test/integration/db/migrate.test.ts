import { knownMigrations, migrate } from '../../../db/migrate';
import { createEmptyDatabase, type TestDatabase } from '../../support/stack';

let database: TestDatabase;
beforeEach(async () => {
  database = await createEmptyDatabase();
});
afterEach(() => database.drop());

const applied = async (): Promise<string[]> => {
  const { rows } = await database.pool.query<{ name: string }>(
    'select name from schema_migrations order by id',
  );
  return rows.map((row) => row.name);
};

it('brings an empty database to the schema of this version', async () => {
  await migrate(database.url);

  expect(await applied()).toEqual(knownMigrations());
  await expect(database.pool.query('select * from run_events')).resolves.toMatchObject({ rows: [] });
});

it('changes nothing the second time', async () => {
  await migrate(database.url);

  await migrate(database.url);

  expect(await applied()).toEqual(knownMigrations());
});

it('lets processes that start together queue for the migration', async () => {
  await Promise.all([migrate(database.url), migrate(database.url), migrate(database.url)]);

  expect(await applied()).toEqual(knownMigrations());
});

it('refuses a database that a newer version has migrated, and names that version', async () => {
  await migrate(database.url);
  await database.pool.query(`insert into schema_migrations (name, run_on) values ('9999_future', now())`);
  await database.pool.query(`comment on table schema_migrations is 'Everturn 7.0.0'`);

  await expect(migrate(database.url)).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringMatching(
      /migrated by Everturn 7\.0\.0 .* Install Everturn 7\.0\.0 or newer, or restore a backup/,
    ),
  });
});

it('says what to check when the database can not be reached', async () => {
  await expect(migrate('postgresql://nobody:wrong@127.0.0.1:9/none')).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringContaining('Check DATABASE_URL'),
  });
});
