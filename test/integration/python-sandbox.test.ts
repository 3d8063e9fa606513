import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { ToolOutcome } from '../../domain/tool';
import { ESCAPE_ATTEMPTS, type EscapeAttempt } from '../support/escape-attempts';
import { createTestDatabase, testTemporalAddress, type TestDatabase } from '../support/stack';

const isRoot = process.getuid?.() === 0;
const ORDINARY = 1000;
// A root server's tools run as nobody, unless nobody can't read what they need: then they stay root without its powers.
const users = isRoot
  ? ([
      ['root', null, 0o1777],
      ['root whose tools stay root', null, 0o700],
      ['an ordinary user', ORDINARY, 0o1777],
    ] as const)
  : ([['an ordinary user', null, 0o1777]] as const);

let database: TestDatabase;
const opened: net.Server[] = [];
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-escapes-'));
  fs.chmodSync(folder, 0o755);
});
afterAll(async () => {
  opened.forEach((server) => server.close());
  fs.rmSync(folder, { recursive: true });
  await database.drop();
});

async function listen(place: object): Promise<net.Server> {
  const server = net.createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => server.listen(place, resolve));
  opened.push(server);
  return server;
}

/** What an attacker would look for, readable and writable by everyone: only the sandbox stands before it. */
async function targets(owner: number | null, name: string): Promise<object> {
  const place = (...parts: string[]) => path.join(folder, name, ...parts);
  const write = (file: string, mode: number) => {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, 'everturn-secret');
    fs.chmodSync(file, mode);
    fs.chmodSync(path.dirname(file), 0o777);
  };
  write(place('other', 'file'), 0o666);
  write(place('other', 'spare'), 0o666);
  write(place('home', '.ssh', 'id'), 0o644);
  write(place('owned'), 0o666);
  if (owner !== null) {
    for (const file of [place('owned'), place('other', 'file'), place('other', 'spare')])
      fs.chownSync(file, owner, owner);
  }
  await listen({ path: place('socket') });
  fs.chmodSync(place('socket'), 0o777);
  const server = await listen({ host: '127.0.0.1', port: 0 });
  return {
    project: path.resolve('package.json'),
    other: place('other'),
    home: place('home'),
    owned: place('owned'),
    unix: place('socket'),
    server: (server.address() as net.AddressInfo).port,
    postgres: Number(new URL(database.url).port),
    temporal: Number(testTemporalAddress().split(':')[1]),
  };
}

interface Server {
  readonly uid: number | null;
  /** Mode of the folder for temporary files. */
  readonly mode: number;
}

async function attempt(
  sandbox: string,
  { uid, mode }: Server,
  name: string,
): Promise<readonly ToolOutcome[]> {
  const temporary = path.join(folder, `tmp of ${name}`);
  fs.mkdirSync(temporary);
  fs.chmodSync(temporary, mode);
  const order = JSON.stringify({ sandbox, targets: await targets(uid, name) });
  const script = path.resolve('test/support/attempt-escapes.ts');
  const child = spawn(
    process.execPath,
    ['-r', path.resolve('test/support/register-typescript.cjs'), script],
    {
      env: { PATH: process.env['PATH'], SERVER_SECRET: 'everturn-secret', TMPDIR: temporary },
      stdio: ['pipe', 'pipe', 'inherit'],
      ...(uid !== null && { uid, gid: uid }),
    },
  );
  child.stdin.end(order);
  return JSON.parse(await text(child.stdout)) as ToolOutcome[];
}

const label = ({ what, network }: EscapeAttempt) => `${what}${network ? ' (with a network)' : ''}`;
const escaped = ({ status, result }: ToolOutcome) => status === 'success' && result === 'True';

describe.each(users)('tools of a server that runs as %s', (user, uid, mode) => {
  it('do none of what the sandbox forbids', async () => {
    const outcomes = await attempt('landlock', { uid, mode }, `${user} confined`);

    const got = ESCAPE_ATTEMPTS.filter((_, index) => escaped(outcomes[index]!)).map(label);
    expect(got).toEqual([]);
  });

  if (mode === 0o700) return; // Without a sandbox there is no difference.
  it('do all of it without one', async () => {
    const outcomes = await attempt('none', { uid, mode }, `${user} free`);

    const possible = ESCAPE_ATTEMPTS.map((each, index) => ({ ...each, outcome: outcomes[index]! })).filter(
      ({ needsRoot, isOfSandbox }) => !isOfSandbox && (user.startsWith('root') || !needsRoot),
    );
    const held = possible
      .filter(({ outcome }) => !escaped(outcome))
      .map((each) => `${label(each)}: ${each.outcome.result}`);
    expect(held).toEqual([]);
  });
});
