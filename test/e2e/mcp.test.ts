import Letta from '@letta-ai/letta-client';
import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { freePort } from '../../runtime/free-port';
import type { FakeOpenAi } from '../support/fake-openai';
import { call, runEnd, sendAsync } from '../support/live-api';
import { HOOK, STDIO_SERVER } from '../support/mcp-connections';
import { startMcpHttpServer, type McpHttpServer } from '../support/mcp-http-server';
import { createScript, declare, type McpScript } from '../support/mcp-tools';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import { isAlive, until } from '../support/started';

const CHANGED = { type: 'object', properties: { number: { type: 'number' } }, required: ['number'] };
const PUBLIC_SERVER = (name: string) =>
  path.resolve(__dirname, '../../node_modules/@modelcontextprotocol', name, 'dist/index.js');
const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-mcp-')));
let server: LiveServer;
const children: ChildProcess[] = [];
let fake: FakeOpenAi;
let script: McpScript;
let scripted: McpHttpServer;
let url: string;
let client: Letta;

beforeAll(async () => {
  script = createScript();
  scripted = await startMcpHttpServer(script);
  server = await startLiveServer({
    env: { MCP_DISABLE_STDIO: 'false', EVERTURN_MCP_PRIVATE_ADDRESSES: 'true' },
    roles: SPLIT,
  });
  ({ fake, url } = server);
  client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await server.stop();
  for (const child of children) child.kill('SIGKILL');
  await scripted.die();
  fs.rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  script.calls.length = 0;
  delete script.answer;
});

const addStdio = (name: string, args: readonly string[]) =>
  client.mcpServers.create({
    server_name: name,
    config: { mcp_server_type: 'stdio', command: process.execPath, args: [...args] },
  });
const addHttp = (
  name: string,
  server_url: string,
  mcp_server_type: 'sse' | 'streamable_http' = 'streamable_http',
) => client.mcpServers.create({ server_name: name, config: { mcp_server_type, server_url } });
const agentWith = (tools: string[]) =>
  client.agents.create({ model: 'openai/gpt-4.1', tools, include_base_tools: false });

interface Return {
  readonly message_type: string;
  readonly status: string;
  readonly tool_return: string;
  readonly effect_status?: string;
}
/** What the tools of a turn returned, in order. */
async function ask(agentId: string, ...calls: readonly [tool: string, args: object][]): Promise<Return[]> {
  const content = calls.map(([tool, args]) => `CALL ${tool} ${JSON.stringify(args)}`).join('\nTHEN\n');
  const { messages, stop_reason } = await client.agents.messages.create(agentId, {
    messages: [{ role: 'user', content }],
  });
  expect(stop_reason.stop_reason).toBe('end_turn');
  return (messages as unknown as Return[]).filter(({ message_type: type }) => type === 'tool_return_message');
}
const returnsOf = async (agentId: string): Promise<Return[]> =>
  (await call<Return[]>(url, 'GET', `/v1/agents/${agentId}/messages?limit=100&order=asc`)).filter(
    ({ message_type: type }) => type === 'tool_return_message',
  );

it('an agent uses the public servers for files and for a knowledge graph', async () => {
  const files = await addStdio('files', [PUBLIC_SERVER('server-filesystem'), folder]);
  await addStdio('graph', [PUBLIC_SERVER('server-memory')]);
  const { id } = await agentWith(['write_file', 'read_text_file', 'create_entities', 'search_nodes']);
  const file = path.join(folder, 'note.txt');

  const returns = await ask(
    id,
    ['write_file', { path: file, content: 'tea at five' }],
    ['read_text_file', { path: file }],
    ['read_text_file', { path: '/etc/passwd' }],
    ['create_entities', { entities: [{ name: 'Ada', entityType: 'person', observations: ['likes tea'] }] }],
    ['search_nodes', { query: 'tea' }],
  );

  expect(fs.readFileSync(file, 'utf8')).toBe('tea at five');
  expect(returns.map(({ status }) => status)).toEqual(['success', 'success', 'error', 'success', 'success']);
  expect(returns[1]!.tool_return).toBe('tea at five');
  expect(returns[2]!.tool_return).toContain('Access denied');
  expect(returns[4]!.tool_return).toContain('likes tea');
  const tools = await client.mcpServers.tools.list(files.id!);
  expect(tools.find(({ name }) => name === 'read_text_file')).toMatchObject({ effects: 'read' });
  expect(fake.problems).toEqual([]);
});

it('an agent uses the server of everything over stdio, streamable HTTP and SSE', async () => {
  const everything = PUBLIC_SERVER('server-everything');
  const ports = [await freePort(), await freePort()];
  for (const [index, mode] of ['streamableHttp', 'sse'].entries()) {
    const child = spawn(process.execPath, [everything, mode], {
      env: { ...process.env, PORT: String(ports[index]) },
      stdio: 'ignore',
    });
    children.push(child);
  }
  const answers = (port: number | undefined) =>
    fetch(`http://127.0.0.1:${port ?? 0}/`).then(
      () => true,
      () => false,
    );
  await until(async () => (await answers(ports[0])) && (await answers(ports[1])));
  await addStdio('pipe', [everything]);
  await addHttp('http', `http://127.0.0.1:${ports[0] ?? 0}/mcp`);
  await addHttp('stream', `http://127.0.0.1:${ports[1] ?? 0}/sse`, 'sse');
  const { id } = await agentWith([
    'echo',
    'http_echo',
    'stream_get-sum',
    'get-structured-content',
    'get-tiny-image',
  ]);

  const returns = await ask(
    id,
    ['echo', { message: 'one' }],
    ['http_echo', { message: 'two' }],
    ['stream_get-sum', { a: 20, b: 22 }],
    ['get-structured-content', { location: 'Chicago' }],
    ['get-tiny-image', {}],
    ['echo', { wrong: 1 }],
  );

  expect(returns.map(({ tool_return: text }) => text)).toEqual([
    'Echo: one',
    'Echo: two',
    'The sum of 20 and 22 is 42.',
    expect.stringMatching(/^\{"temperature":\d+,"conditions":".+","humidity":\d+\}$/),
    expect.stringContaining('[image: image/png, '),
    expect.stringContaining('Invalid arguments for tool echo'),
  ]);
  expect(returns.at(-1)!.status).toBe('error');
  const byHand = await call<{ func_return: string }>(url, 'POST', `/v1/agents/${id}/tools/http_echo/run`, {
    args: { message: 'three' },
  });
  expect(byHand.func_return).toBe('Echo: three');
});

it('a call whose server dies in the middle is told to be unknown, and the turn goes on with the server that came back', async () => {
  await addHttp('scripted', scripted.url);
  const { id } = await agentWith(['charge', 'put', 'look']);
  const hanging = new Promise<undefined>(() => undefined);
  script.answer = ({ args }) =>
    args['label'] === 'first' && script.calls.length === 1 ? hanging : undefined;
  const asked = ask(id, ['charge', { label: 'first' }], ['put', { label: 'second' }]);
  await until(() => script.calls.length === 1);

  await scripted.die();
  await scripted.rise();
  const [first, second] = await asked;

  expect(first).toMatchObject({ status: 'error', effect_status: 'unknown' });
  expect(first!.tool_return).toContain(
    'its server was lost, or gave no answer in time, after the call was sent',
  );
  expect(second).toMatchObject({ status: 'success', tool_return: 'put {"label":"second"}' });
  expect(script.calls.map(({ tool }) => tool)).toEqual(['charge', 'put']);
  const [effect] = await call<Record<string, unknown>[]>(
    url,
    'GET',
    `/v1/effects?status=unknown&agent_id=${id}`,
  );
  expect(effect).toMatchObject({ tool_name: 'charge', status: 'unknown', key: script.calls[0]!.key });
});

it('a server that changes its tools in the middle of a turn is asked for what the turn knows, and says what is gone', async () => {
  const own = createScript();
  own.tools = [declare('first'), declare('second'), declare('third')];
  own.answer = ({ tool, args }) => {
    if (tool === 'first') own.tools = [declare('first'), declare('second', {}, { inputSchema: CHANGED }), declare('fourth')];
    if (own.tools.every(({ name }) => name !== tool)) throw new Error(`Unknown tool: ${tool}`);
    if (tool === 'second' && !('number' in args)) throw new Error('Invalid arguments: number is required');
    return undefined;
  };
  const changing = await startMcpHttpServer(own);
  const server = await addHttp('changing', changing.url);
  const { id } = await agentWith(['first', 'second', 'third']);

  const returns = await ask(id, ['first', { label: 'a' }], ['second', { label: 'a' }], ['third', { label: 'a' }], ['fourth', {}]);
  await call(url, 'PATCH', `/v1/mcp-servers/${server.id}/refresh`);
  const [again] = await ask(id, ['second', { number: 7 }]);
  await changing.die();

  expect(returns.map(({ status }) => status)).toEqual(['success', 'error', 'error', 'error']);
  expect(returns[1]!.tool_return).toContain('number is required');
  expect(returns[2]!.tool_return).toContain('Unknown tool: third');
  expect(returns[3]!.tool_return).toContain('Cannot call fourth');
  expect(again).toMatchObject({ status: 'success', tool_return: 'second {"number":7}' });
  expect((await client.mcpServers.tools.list(server.id!)).map(({ name }) => name)).toEqual(['first', 'second', 'fourth']);
}); // prettier-ignore

it('a worker that dies in the middle repeats what may be repeated, with the same key, and nothing else', async () => {
  const log = path.join(folder, 'stdio.log');
  await addStdio('local', ['-r', HOOK, STDIO_SERVER, log]);
  const lines = () => fs.readFileSync(log, 'utf8').split('\n');
  const remote = await agentWith(['put']);
  const local = await agentWith(['hang']);
  const hanging = new Promise<undefined>(() => undefined);
  script.answer = () => (script.calls.length === 1 ? hanging : undefined);
  const runs = [
    await sendAsync(url, remote.id, 'CALL put {"label":"a"}'),
    await sendAsync(url, local.id, 'CALL hang {"label":"b"}'),
  ];
  await until(() => script.calls.length === 1 && lines().some((line) => line.startsWith('call hang')));
  const pids = lines().flatMap((line) => (line.startsWith('pid ') ? [Number(line.slice(4))] : []));

  await server.worker.kill('SIGKILL');
  // One of the two is the API's, which has read the tools.
  await until(() => pids.filter(isAlive).length === 1);
  await server.start('worker');
  const ends = await Promise.all(runs.map((run) => runEnd(url, run)));

  expect(ends.map(({ stop_reason: reason }) => reason)).toEqual(['end_turn', 'end_turn']);
  expect(await returnsOf(remote.id)).toMatchObject([{ status: 'success', tool_return: 'put {"label":"a"}' }]);
  // A slow machine loses the worker that repeats as well.
  expect(script.calls.length).toBeGreaterThanOrEqual(2);
  expect(new Set(script.calls.map(({ key }) => key)).size).toBe(1);
  expect(await returnsOf(local.id)).toMatchObject([{ status: 'error', effect_status: 'unknown' }]);
  expect(lines().filter((line) => line.startsWith('call hang'))).toHaveLength(1);
});

it('a call by hand is made by a worker, and again by the next one where the first was killed and the tool may be repeated', async () => {
  const byHand = await addHttp('by-hand', scripted.url);
  const tools = await client.mcpServers.tools.list(byHand.id!);
  const idOf = (name: string) => tools.find((tool) => tool.name?.endsWith(name))!.id;
  const hanging = new Promise<undefined>(() => undefined);
  script.answer = () => (script.calls.length === 1 ? hanging : undefined);
  const running = client.mcpServers.tools.run(idOf('put'), { mcp_server_id: byHand.id!, args: { label: 'h' } });
  await until(() => script.calls.length === 1);

  await server.worker.kill('SIGKILL');
  await server.start('worker');

  expect(await running).toMatchObject({ status: 'success', func_return: 'put {"label":"h"}' });
  expect(script.calls).toHaveLength(2);
  expect(script.calls[1]!.key).toBe(script.calls[0]!.key);
  await client.mcpServers.delete(byHand.id!);
}); // prettier-ignore

it('a result is cut to what the tool may return, and a tool that is gone is said to be gone', async () => {
  const { id } = await agentWith(['look']);
  const [look] = (await client.tools.list({ name: 'look' })).items;
  await client.tools.update(look!.id, { return_char_limit: 10 });
  script.answer = () => ({ content: [{ type: 'text', text: 'x'.repeat(2_000_000) }] });

  const [cut] = await ask(id, ['look', { label: 'a' }]);
  const { metadata_: metadata } = look as unknown as { metadata_: { mcp: { server_id: string } } };
  await client.mcpServers.delete(metadata.mcp.server_id);
  const [gone] = await ask(id, ['look', { label: 'a' }]);

  expect(cut!.tool_return).toMatch(/^x{10}\.\.\. \[NOTE: .*2000000 > 10\]$/);
  expect(gone).toMatchObject({ status: 'error', tool_return: expect.stringContaining('look') });
});

it('stopping the servers leaves no child process behind', async () => {
  const log = path.join(folder, 'stdio.log');
  const pids = fs
    .readFileSync(log, 'utf8')
    .split('\n')
    .flatMap((line) => (line.startsWith('pid ') ? [Number(line.slice(4))] : []));
  expect(pids.some(isAlive)).toBe(true);

  await server.halt();

  await until(() => !pids.some(isAlive));
});
