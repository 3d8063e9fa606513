import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { prepareHome } from './prepared-home';
import { descendants, isAlive, startEverturn, until, type Started } from './started';

/** The built product as one command starts it, and a connection of the test's own to its database. */
export interface LiveEverturn {
  readonly url: string;
  readonly database: Client;
  /** What it wrote so far. */
  readonly output: () => string;
  /** The pid of a child: postgres, temporal or server. */
  readonly pidOf: (child: string) => number;
  /** kill -9 for every process of the tree, so that nothing gets to say goodbye. */
  killTree(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the supervisor on `home`, prepared if need be, with the fake at `modelUrl` as OpenAI. */
export async function startLiveEverturn(
  home: string,
  modelUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<LiveEverturn> {
  if (!fs.existsSync(path.join(home, 'postgres'))) await prepareHome(home);
  const everturn = startEverturn(
    { EVERTURN_HOME: home, PORT: '0', OPENAI_API_KEY: 'sk-test', OPENAI_BASE_URL: modelUrl, ...env },
    'dist/runtime/main.js',
  );
  const url = await everturn.ready();
  const database = await connect(home);
  return {
    url,
    database,
    output: () => everturn.output(),
    pidOf: (name) => {
      const children = readJson(home, 'processes.json') as { name: string; pid: number }[];
      return children.find((child) => child.name === name)?.pid ?? 0;
    },
    async killTree() {
      everturn.kill('SIGSTOP'); // Else it would replace what dies before it.
      const processes = descendants(everturn.pid);
      for (const pid of [...processes, everturn.pid]) killQuietly(pid);
      await everturn.ended;
      await until(() => !processes.some(isAlive));
    },
    stop: () => stop(everturn, database),
  };
}

async function connect(home: string): Promise<Client> {
  const { postgres: port } = readJson(home, 'ports.json') as { postgres: number };
  const password = fs.readFileSync(path.join(home, 'postgres.password'), 'utf8').trim();
  const client = new Client({ host: '127.0.0.1', port, user: 'everturn', password, database: 'everturn' });
  client.on('error', () => undefined); // Its server is killed on purpose.
  await client.connect();
  return client;
}

async function stop(everturn: Started, database: Client): Promise<void> {
  await database.end().catch(() => undefined); // It may have died with its server.
  everturn.kill('SIGTERM');
  await everturn.ended;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Postgres' own children end with their parent.
  }
}

/** A file that Everturn wrote; the caller knows its shape. */
const readJson = (home: string, file: string): unknown =>
  JSON.parse(fs.readFileSync(path.join(home, file), 'utf8'));
