import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import type { McpCall, McpConnections } from '../../../domain/mcp';
import type { McpTarget } from '../../../domain/mcp-server';
import {
  compileGuard,
  connectionsForTest,
  HOOK,
  STDIO_SERVER,
  stdioConfig,
  target,
} from '../../support/mcp-connections';
import { isAlive, until } from '../../support/started';

const guard = compileGuard();
const open: McpConnections[] = [];
afterEach(() => Promise.all(open.splice(0).map((connections) => connections.close())));
afterAll(() => guard.remove());

let count = 0;
function start(options: Parameters<typeof connectionsForTest>[0] = {}, env: Record<string, string> = {}) {
  const log = path.join(guard.folder, `log-${count++}`);
  const connections = connectionsForTest({ guardEntry: guard.entry, ...options });
  open.push(connections);
  const lines = () => (fs.existsSync(log) ? fs.readFileSync(log, 'utf8').split('\n') : []);
  return {
    connections,
    at: target(stdioConfig(log, env)),
    calls: () => lines().filter((line) => line.startsWith('call ')),
    pids: () => lines().flatMap((line) => (line.startsWith('pid ') ? [Number(line.slice(4))] : [])),
    log,
  };
}
const signal = new AbortController().signal;
const call = (name: string, fields: Partial<McpCall> = {}): McpCall => ({
  name,
  args: { label: 'a' },
  effects: 'once',
  idempotencyKey: 'key-1',
  ...fields,
});
const ask = (connections: McpConnections, at: McpTarget, name: string, fields: Partial<McpCall> = {}) =>
  connections
    .callTool(at, call(name, fields), signal)
    .catch((error: unknown) => (error as { code: string }).code);

it('a server gets its own variables and a few harmless ones, none of ours, and the key of each call', async () => {
  process.env['EVERTURN_TEST_PASSWORD'] = 'hunter2';
  const { connections, at, calls } = start({}, { GREETING: 'hello' });

  const outcome = await connections.callTool(at, call('look'), signal);

  delete process.env['EVERTURN_TEST_PASSWORD'];
  const env = JSON.parse(outcome.result) as Record<string, string>;
  expect(env['GREETING']).toBe('hello');
  expect(Object.keys(env)).toEqual(expect.arrayContaining(['PATH']));
  expect(
    Object.keys(env).filter((name) => !/^(HOME|LOGNAME|PATH|SHELL|TERM|USER|GREETING)$/.test(name)),
  ).toEqual([]);
  expect(calls()).toEqual(['call look a key-1']);
});

it('closing ends a server that heeds nothing, and what it has started', async () => {
  const { connections, at, pids } = start();
  await connections.callTool(at, call('child'), signal);
  expect(pids().filter(isAlive)).toHaveLength(2);

  await connections.close();

  expect(pids().filter(isAlive)).toEqual([]);
});

it('a server ends with the process that started it, however that one went', async () => {
  const log = path.join(guard.folder, 'log-orphan');
  const args = [guard.entry, '100', process.execPath, '-r', HOOK, STDIO_SERVER, log];
  const code = `require('child_process').spawn(process.execPath, ${JSON.stringify(args)}, { stdio: 'pipe' }); setInterval(() => {}, 1000)`;
  const parent = spawn(process.execPath, ['-e', code], { stdio: 'ignore' });
  const pids = () =>
    fs.existsSync(log)
      ? fs
          .readFileSync(log, 'utf8')
          .split('\n')
          .filter((line) => line.startsWith('pid '))
          .map((line) => Number(line.slice(4)))
      : [];
  await until(() => pids().length === 1);

  parent.kill('SIGKILL');
  await once(parent, 'exit');

  await until(() => !pids().some(isAlive));
});

it.each([
  ['once', 'OUTCOME_UNKNOWN', 1],
  ['idempotent', 'OUTCOME_UNKNOWN', 3],
  ['read', { status: 'error', result: expect.stringContaining('gave no result') }, 3],
] as const)(
  'a %s call that kills its server is tried as often as it may be, and the next call works',
  async (effects, end, times) => {
    const { connections, at, calls } = start();

    const outcome = await ask(connections, at, 'die', { effects });
    const next = await ask(connections, at, 'charge');

    expect(outcome).toEqual(typeof end === 'string' ? end : expect.objectContaining(end));
    expect(calls().filter((line) => line.startsWith('call die'))).toEqual(
      Array(times).fill('call die a key-1'),
    );
    expect(next).toMatchObject({ status: 'success' });
  },
);

it('a server that hangs loses its call in time, and is replaced when it does not answer at all', async () => {
  const { connections, at, pids } = start({ limits: { callMs: 500 } });

  expect(await ask(connections, at, 'hang')).toBe('OUTCOME_UNKNOWN');
  expect(await ask(connections, at, 'charge')).toMatchObject({ status: 'success' });
  expect(pids()).toHaveLength(1);
  process.kill(pids()[0]!, 'SIGSTOP');
  expect(await ask(connections, at, 'charge')).toBe('OUTCOME_UNKNOWN');

  await until(() => !isAlive(pids()[0]!));
  expect(await ask(connections, at, 'charge', { timeoutMs: 10_000 })).toMatchObject({ status: 'success' });
});

it('a server that logs where the protocol is spoken is understood all the same', async () => {
  const { connections, at } = start();

  expect(await ask(connections, at, 'noise')).toMatchObject({ status: 'success' });
});

it('a server that floods is ended', async () => {
  const { connections, at, pids } = start();

  await ask(connections, at, 'flood');

  await until(() => pids().length > 0 && !pids().some(isAlive), 60_000);
});

it('a command that does not exist is told by its name, at once', async () => {
  const { connections } = start();
  const missing = target({
    type: 'stdio',
    command: 'no-such-program',
    args: [],
    env: { TOKEN: 's3cret-value' },
  });

  await expect(connections.listTools(missing)).rejects.toMatchObject({
    code: 'MCP_UNAVAILABLE',
    message: expect.stringContaining('no-such-program could not be started (ENOENT)'),
  });
});

it('what a server says when it can not start is told without its secrets', async () => {
  const { connections } = start();
  const code = 'console.error("bad token " + process.env.TOKEN); process.exit(1)';
  const broken = target({
    type: 'stdio',
    command: process.execPath,
    args: ['-e', code],
    env: { TOKEN: 's3cret-value' },
  });

  await expect(connections.listTools(broken)).rejects.toThrow('bad token [secret]');
});

it('nothing is started where stdio is off', async () => {
  const { connections, at, pids } = start({ allowsStdio: false });

  await expect(connections.listTools(at)).rejects.toThrow('Set MCP_DISABLE_STDIO=false to enable them');
  expect(pids()).toEqual([]);
});
