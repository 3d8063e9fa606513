import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { Client } from 'pg';
import { freePort } from '../../runtime/free-port';
import { prepareHome } from '../support/prepared-home';
import {
  childrenOf,
  descendants,
  isAlive,
  startEverturn,
  temporaryFolder,
  until,
  type Started,
} from '../support/started';

let home: string;
let everturn: Started | null;

beforeEach(() => {
  home = path.join(temporaryFolder(), 'data folder');
  everturn = null;
});
afterEach(async () => {
  everturn?.kill('SIGCONT');
  everturn?.kill('SIGTERM');
  await everturn?.ended;
  fs.rmSync(path.dirname(home), { recursive: true, force: true });
});

const start = (env: Readonly<Record<string, string>> = {}): Started =>
  startEverturn({ EVERTURN_HOME: home, PORT: '0', ...env });

interface Echo {
  readonly pid: number;
  readonly database: string;
  readonly temporal: string;
}
const ask = async (url: string): Promise<Echo | null> =>
  fetch(url).then(
    async (answer) => (await answer.json()) as Echo,
    () => null,
  );

interface Guarded {
  readonly name: string;
  readonly pid: number;
}
const guarded = (name: string): number => {
  const children = JSON.parse(fs.readFileSync(path.join(home, 'processes.json'), 'utf8')) as Guarded[];
  return children.find((child) => child.name === name)?.pid ?? 0;
};

async function scalar(url: string, sql: string): Promise<unknown> {
  const client = new Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ value: unknown }>(sql);
  await client.end();
  return rows[0]?.value;
}

it('says where everything is, keeps its data, and leaves no process behind on SIGTERM', async () => {
  everturn = start();
  const first = await ask(await everturn.ready());
  const processes = descendants(everturn.pid);
  await scalar(first?.database ?? '', `create table kept as select 42 as value`);
  expect(everturn.output()).toContain(`Data folder  ${home}`);
  expect(everturn.output()).toMatch(/Temporal UI +http:\/\/127\.0\.0\.1:\d+/);
  expect(everturn.output()).toContain('the demo model everturn/demo answers');
  expect(processes.length).toBeGreaterThanOrEqual(4);

  everturn.kill('SIGTERM');

  expect(await everturn.ended).toBe(0);
  await until(() => !processes.some(isAlive));
  everturn = start();
  const second = await ask(await everturn.ready());
  expect(second).toMatchObject({ database: first?.database, temporal: first?.temporal });
  expect(await scalar(second?.database ?? '', 'select value from kept')).toBe(42);
});

it('starts each child again that is killed, on the same addresses, while the server goes on', async () => {
  await prepareHome(home);
  everturn = start();
  const url = await everturn.ready();
  const before = await ask(url);
  for (const name of ['postgres', 'temporal']) {
    const killed = guarded(name);
    process.kill(killed, 'SIGKILL');
    await until(
      () => everturn?.output().includes(`"msg":"${name} is back"`) ?? false,
      30_000,
      () => everturn?.output() ?? '',
    );
    expect(guarded(name)).not.toBe(killed);
  }
  expect(await ask(url)).toEqual(before);
  expect(await scalar(before?.database ?? '', 'select 1 as value')).toBe(1);

  await ask(`${url}/die`);

  await until(async () => ((await ask(url))?.pid ?? before?.pid) !== before?.pid);
});

it('leaves nothing behind when it is killed, and the next start works', async () => {
  await prepareHome(home);
  everturn = start();
  await everturn.ready();
  const processes = descendants(everturn.pid);

  everturn.kill('SIGKILL');

  await until(() => !processes.some(isAlive));
  everturn = start();
  await everturn.ready();
});

it('ends what the killed tree left running when the watchdog was killed as well', async () => {
  await prepareHome(home);
  everturn = start();
  await everturn.ready();
  const [postgres, temporal] = [guarded('postgres'), guarded('temporal')];
  const others = childrenOf(everturn.pid).filter((pid) => ![postgres, temporal].includes(pid));

  everturn.kill('SIGSTOP'); // Else it would replace its watchdog.
  for (const pid of [...others, everturn.pid]) process.kill(pid, 'SIGKILL');
  await everturn.ended;
  expect([postgres, temporal].filter(isAlive)).toEqual([postgres, temporal]);
  everturn = start();

  await everturn.ready();
  expect([postgres, temporal].filter(isAlive)).toEqual([]);
});

it('refuses a second start on the same data folder and names the first', async () => {
  await prepareHome(home);
  everturn = start();
  await everturn.ready();

  const second = start();

  expect(await second.ended).toBe(1);
  expect(second.output()).toBe(
    `Everturn can't run: Another Everturn (pid ${everturn.pid}) already uses ${home}; ` +
      'stop it or set EVERTURN_HOME to another folder.\n',
  );
  expect(isAlive(everturn.pid)).toBe(true);
});

it('refuses a port that is in use and says what to change', async () => {
  const other = net.createServer().listen(await freePort(), '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as net.AddressInfo;

  everturn = start({ PORT: String(port) });

  expect(await everturn.ended).toBe(1);
  expect(everturn.output()).toBe(
    `Everturn can't run: Port ${port} on 127.0.0.1 is in use; stop what uses it or set PORT to another port.\n`,
  );
  other.close();
});

it('refuses a data folder that can not be written and says what to set', async () => {
  fs.writeFileSync(home, 'a file');

  everturn = start();

  expect(await everturn.ended).toBe(1);
  expect(everturn.output()).toMatch(
    /^Everturn can't run: The data folder .* can't be written \(E\w+\); set EVERTURN_HOME .*\n$/,
  );
});

it('refuses a missing Temporal program and says which variable names it', async () => {
  await prepareHome(home);
  everturn = start({ TEMPORAL_CLI_PATH: '/nowhere/temporal' });

  expect(await everturn.ended).toBe(1);
  expect(everturn.output()).toContain(
    "Everturn can't run: TEMPORAL_CLI_PATH=/nowhere/temporal is not a program",
  );
  expect(descendants(everturn.pid)).toEqual([]);
});

it('refuses a database of a newer version and stops what it started', async () => {
  await prepareHome(home);
  everturn = start();
  const { database = '' } = (await ask(await everturn.ready())) ?? {};
  await scalar(
    database,
    `insert into schema_migrations (name, run_on) values ('9999_future', now()) returning 1 as value`,
  );
  everturn.kill('SIGTERM');
  await everturn.ended;

  everturn = start();

  expect(await everturn.ended).toBe(1);
  expect(everturn.output()).toMatch(
    /^Everturn can't run: The database was migrated by Everturn .*restore a backup.*\n$/,
  );
  expect(fs.readFileSync(path.join(home, 'processes.json'), 'utf8')).toBe('[]');
});

it('stops everything and tells why when the server gives up', async () => {
  await prepareHome(home);
  everturn = start();
  const url = await everturn.ready();
  const processes = descendants(everturn.pid);

  await ask(`${url}/fatal`);

  expect(await everturn.ended).toBe(1);
  expect(everturn.output()).toContain("Everturn can't run: The double gives up.\n");
  await until(() => !processes.some(isAlive));
});

it('stops when npm, which started it, is killed', async () => {
  await prepareHome(home);
  const marker = `everturn-${randomBytes(4).toString('hex')}`;
  everturn = startEverturn(
    { EVERTURN_HOME: home, PORT: '0', npm_lifecycle_event: marker },
    'test/support/start-below-parent.ts',
  );
  await everturn.ready();
  const processes = descendants(everturn.pid);

  everturn.kill('SIGKILL');

  await until(() => !processes.some(isAlive));
});
