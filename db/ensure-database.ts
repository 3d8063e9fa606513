import { Client, DatabaseError } from 'pg';

/** A Postgres server that a fresh cluster needs to be asked for its database. */
export interface ServerAddress {
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** The connection URL of a database on a server of this machine. */
export const databaseUrl = ({ port, user, password }: ServerAddress, database: string): string =>
  `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`;

/**
 * Whether the server answers. Creates `database` when it is missing. A server that is starting, stopping or not there
 * yet is no error: ask again. A refused password is one.
 */
export async function ensureDatabase(server: ServerAddress, database: string): Promise<boolean> {
  try {
    await query(databaseUrl(server, database), 'select 1');
    return true;
  } catch (error) {
    if (!(error instanceof DatabaseError)) return false; // Nothing listens yet, or it hung up.
    if (error.code === '57P03' || error.code === '57P01') return false; // It is starting, or stopping.
    if (error.code !== '3D000') throw error;
  }
  await query(databaseUrl(server, 'postgres'), `create database ${database}`).catch((error: unknown) => {
    const isThere = error instanceof DatabaseError && error.code === '42P04';
    if (!isThere) throw error;
  });
  return true;
}

async function query(connectionString: string, sql: string): Promise<void> {
  const client = new Client({ connectionString, connectionTimeoutMillis: 2000 });
  // The query itself reports a lost connection; without a listener the event would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => undefined); // The connection may never have existed.
  }
}
