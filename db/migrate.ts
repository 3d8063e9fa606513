import fs from 'node:fs';
import path from 'node:path';
import { Client, DatabaseError } from 'pg';
import { AppError } from '../domain/errors';
import packageJson from '../package.json';

const FOLDER = path.join(__dirname, 'migrations');
const TABLE = 'schema_migrations';

/** What the migration needs of a logger. */
export interface MigrationLog {
  info(fields: object, message: string): void;
}

/**
 * Brings the database to the schema of this version: all pending migrations in one transaction, or none. Processes that
 * start together queue for it. Refuses a database that a newer version has migrated.
 */
export async function migrate(databaseUrl: string, log?: MigrationLog): Promise<void> {
  const client = await connect(databaseUrl);
  try {
    const known = knownMigrations();
    const applied = await appliedMigrations(client);
    if (applied.some((name) => !known.includes(name))) throw await newerDatabase(client);
    if (applied.length === known.length) return;
    await runPending(client, log);
  } catch (error) {
    throw error instanceof DatabaseError ? migrationFailed(error) : error;
  } finally {
    await client.end();
  }
}

/** The names of the migrations this version brings, oldest first. */
export function knownMigrations(): string[] {
  const files = fs.readdirSync(FOLDER).filter((file) => file.endsWith('.sql'));
  return files.map((file) => path.basename(file, '.sql')).sort();
}

async function connect(databaseUrl: string): Promise<Client> {
  const client = new Client({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000 });
  // Every query reports a lost connection itself; without a listener the event would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    throw new AppError(
      'UNAVAILABLE',
      `Postgres at ${client.host}:${client.port} does not let Everturn in (${reason}). ` +
        'Check DATABASE_URL and that the server runs, or unset DATABASE_URL to use the embedded one.',
      { cause },
    );
  }
}

async function appliedMigrations(client: Client): Promise<string[]> {
  const { rows: tables } = await client.query<{ found: boolean }>(
    `select to_regclass($1) is not null as found`,
    [`public.${TABLE}`],
  );
  if (!tables[0]?.found) return [];
  const { rows } = await client.query<{ name: string }>(`select name from public.${TABLE} order by id`);
  return rows.map((row) => row.name);
}

async function runPending(client: Client, log: MigrationLog | undefined): Promise<void> {
  // Loaded only when there is work: it costs 100 ms of every start otherwise.
  const { runner } = await import('node-pg-migrate');
  const silent = () => undefined;
  const done = await runner({
    dbClient: client,
    dir: FOLDER,
    migrationsTable: TABLE,
    migrationsSchema: 'public',
    direction: 'up',
    singleTransaction: true,
    advisoryLockMode: 'wait',
    logger: { debug: silent, info: silent, warn: silent, error: silent },
  });
  if (done.length === 0) return;
  // The version in the comment is what an older release names when it refuses this database.
  await client.query(`comment on table public.${TABLE} is 'Everturn ${packageJson.version}'`);
  log?.info({ migrations: done.map((migration) => migration.name) }, 'database migrated');
}

async function newerDatabase(client: Client): Promise<AppError> {
  const { rows } = await client.query<{ owner: string | null }>(
    `select obj_description(to_regclass($1), 'pg_class') as owner`,
    [`public.${TABLE}`],
  );
  const newer = rows[0]?.owner ?? 'a newer Everturn';
  return new AppError(
    'CONFLICT',
    `The database was migrated by ${newer} and this is Everturn ${packageJson.version}, which does not know its schema. ` +
      `Install ${newer} or newer, or restore a backup from before the upgrade.`,
  );
}

function migrationFailed(cause: DatabaseError): AppError {
  return new AppError(
    'UNAVAILABLE',
    `The database could not be migrated and is unchanged: ${cause.message}. ` +
      'Check that the user in DATABASE_URL owns the database.',
    { cause },
  );
}
