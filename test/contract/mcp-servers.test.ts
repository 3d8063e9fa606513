import Letta from '@letta-ai/letta-client';
import pino from 'pino';
import type { ApiDeps } from '../../api/deps';
import { createMcpStore } from '../../db/mcp-store';
import { createToolRunStore } from '../../db/tool-runs';
import type { McpConnections } from '../../domain/mcp';
import type { McpStdioConfig } from '../../domain/mcp-server';
import { createMcpConnections } from '../../tools/mcp/connections';
import { createMcpToolCaller } from '../../tools/mcp/tool-caller';
import { sampleBody } from '../support/letta-samples';
import { compileGuard, stdioConfig } from '../support/mcp-connections';
import { startMcpHttpServer, type McpHttpServer } from '../support/mcp-http-server';
import { createScript, declare, type McpScript } from '../support/mcp-tools';
import { startTestApi, type TestApi } from '../support/test-api';

const guard = compileGuard();
const logged: string[] = [];
const log = pino({ level: 'trace' }, { write: (line: string) => void logged.push(line) });
let api: TestApi;
let strict: TestApi;
let client: Letta;
let script: McpScript;
let server: McpHttpServer;
const opened: McpConnections[] = [];

/** An API over real connections, which reach this machine only if told so. */
async function startApi(allowed: boolean): Promise<TestApi> {
  const waiting: { connections?: McpConnections } = {};
  const made = await startTestApi({
    log,
    turns: { runTool: ({ id }) => callByHand(made, waiting.connections!, id) } as ApiDeps['turns'],
    // The database is there only once the API is: each call asks what it has become.
    mcp: new Proxy({} as McpConnections, {
      get: (_, name) => Reflect.get(waiting.connections!, name) as unknown,
    }),
  });
  waiting.connections = createMcpConnections({
    oauth: createMcpStore(made.db).oauth,
    allowsStdio: allowed,
    allowsPrivate: allowed,
    guardEntry: guard.entry,
    limits: { connectMs: 5_000, listMs: 5_000, callMs: 5_000, reconnectMs: 200, freshMs: 0 },
  });
  opened.push(waiting.connections);
  return made;
}

/** What the workflow does behind a call by hand, without Temporal. */
async function callByHand({ db }: TestApi, connections: McpConnections, id: string): Promise<void> {
  const runs = createToolRunStore(db);
  const { tool, args, secrets } = (await runs.open(id))!;
  const caller = createMcpToolCaller(createMcpStore(db), connections);
  const { signal } = new AbortController();
  await runs.finish(id, await caller.call(tool, args, { secrets, idempotencyKey: id, signal }));
}

beforeAll(async () => {
  [api, strict] = await Promise.all([startApi(true), startApi(false)]);
  client = new Letta({ baseURL: api.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await Promise.all(opened.map((connections) => connections.close()));
  await Promise.all([api.close(), strict.close()]);
  guard.remove();
});
beforeEach(async () => {
  script = createScript();
  server = await startMcpHttpServer(script);
});
afterEach(async () => {
  for (const { id } of await client.mcpServers.list()) await client.mcpServers.delete(id!);
  await server.die();
});

const create = (name: string, fields: object = {}) =>
  client.mcpServers.create({
    server_name: name,
    config: { mcp_server_type: 'streamable_http', server_url: server.url, ...fields },
  });
const toolsOf = (id: string | undefined) => client.mcpServers.tools.list(id!);

it('a server on this machine is refused as the original refuses it', async () => {
  const body = {
    server_name: 'm1',
    config: { mcp_server_type: 'streamable_http', server_url: 'http://127.0.0.1:1/mcp' },
  };

  const answer = await strict.call('POST', '/v1/mcp-servers/', { body });
  const stored = await strict.call('GET', '/v1/mcp-servers/');

  expect(answer.status).toBe(422);
  expect(answer.body).toEqual(sampleBody('mcp_servers.create.json'));
  expect(stored.body).toEqual(sampleBody('mcp_servers.list.json'));
});

it.each([
  ['http://localhost:1/mcp', 'Blocked internal hostname: localhost'],
  ['http://[::1]:1/mcp', 'Non-public IP not allowed: ::1'],
  ['http://0x7f.1/mcp', 'Non-public IP not allowed: 127.0.0.1'],
  ['ftp://example.com/', 'server_url must start with'],
  ['https://user:pw@example.com/mcp', 'must not hold a user name'],
])('the address %s is refused', async (url, text) => {
  const config = { mcp_server_type: 'sse', server_url: url };

  const answer = await strict.call('POST', '/v1/mcp-servers/', { body: { server_name: 'm1', config } });

  expect(answer.status).toBe(422);
  expect((answer.body as { detail: string }).detail).toContain(text);
});

it('servers on stdio are off unless they are switched on', async () => {
  const config = { mcp_server_type: 'stdio', command: 'echo', args: [] };

  const answer = await strict.call('POST', '/v1/mcp-servers/', { body: { server_name: 's', config } });

  expect(answer.status).toBe(400);
  expect(answer.body).toEqual({ detail: expect.stringContaining('Set MCP_DISABLE_STDIO=false') });
});

it('a server is created, read, listed, changed and deleted by the unmodified SDK', async () => {
  const made = await create('blue', {
    auth_header: 'X-Key',
    auth_token: 's3cret-token',
    custom_headers: { 'X-Team': 's3cret-team' },
  });

  const { tools_read_at: readAt, ...shown } = made as typeof made & { tools_read_at: string };
  expect(shown).toEqual({
    id: expect.stringMatching(/^mcp_server-[0-9a-f-]{36}$/),
    server_name: 'blue',
    mcp_server_type: 'streamable_http',
    server_url: server.url,
    auth_header: 'X-Key',
    auth_token: '[secret]',
    custom_headers: { 'X-Team': '[secret]' },
    tools_error: null,
  });
  expect(Date.parse(readAt)).toBeGreaterThan(Date.now() - 60_000);
  expect(await client.mcpServers.retrieve(made.id!)).toEqual(made);
  expect(await client.mcpServers.list()).toEqual([made]);

  // What was shown can be sent back: secrets stay what they are.
  const changed = await client.mcpServers.update(made.id!, {
    server_name: 'green',
    config: {
      mcp_server_type: 'streamable_http',
      server_url: null,
      custom_headers: { 'X-Team': '[secret]', 'X-More': 'm' },
    },
  });
  await client.mcpServers.refresh(made.id!);

  expect(changed).toMatchObject({ server_name: 'green', auth_token: '[secret]', server_url: server.url });
  expect(server.headers.at(-1)).toMatchObject({
    'x-key': 's3cret-token',
    'x-team': 's3cret-team',
    'x-more': 'm',
  });
  expect((await toolsOf(made.id))[0]).toMatchObject({ tags: ['mcp:green'] });
  const answer = await api.call('DELETE', `/v1/mcp-servers/${made.id!}`);
  expect(answer).toMatchObject({ status: 204, text: '' });
  expect((await api.call('GET', `/v1/mcp-servers/${made.id!}`)).status).toBe(404);
  expect((await api.call('GET', '/v1/tools/?tool_types=external_mcp')).body).toEqual([]);
});

it('a server on stdio is created, its variables are shown but for secrets, and its tools are listed', async () => {
  const { command, args } = stdioConfig('') as McpStdioConfig;

  const made = await client.mcpServers.create({
    server_name: 'local',
    config: {
      mcp_server_type: 'stdio',
      command,
      args: args.filter((arg) => arg !== ''),
      env: { TOKEN: 's3cret-env', PORT: '3000' },
    },
  });

  expect(made).toMatchObject({
    mcp_server_type: 'stdio',
    command,
    env: { TOKEN: '[secret]', PORT: '3000' },
    tools_error: null,
  });
  expect((await toolsOf(made.id)).map(({ name }) => name)).toContain('charge');
});

it('the tools of a server are tools like any other, with the effects that their server declares', async () => {
  const made = await create('blue');

  const tools = await toolsOf(made.id);
  const { tool_id: _, ...first } = tools[0] as unknown as Record<string, unknown>;

  expect(tools.map((tool) => [tool.name, (tool as unknown as { effects: string }).effects])).toEqual([
    ['charge', 'once'],
    ['look', 'read'],
    ['put', 'idempotent'],
  ]);
  expect(first).toMatchObject({
    tool_type: 'external_mcp',
    source_type: 'python',
    tags: ['mcp:blue'],
    description: 'What charge does.',
    metadata_: { mcp: { server_name: 'blue', server_id: made.id, tool_name: 'charge' } },
    json_schema: {
      name: 'charge',
      description: 'What charge does.',
      parameters: { type: 'object', required: ['label'] },
    },
  });
  expect(await client.mcpServers.tools.retrieve(tools[0]!.id, { mcp_server_id: made.id! })).toEqual(tools[0]);
  const missing = 'tool-00000000-0000-4000-8000-000000000000';
  expect((await api.call('GET', `/v1/mcp-servers/${made.id!}/tools/${missing}`)).status).toBe(404);
});

it('a tool is run for a client, whatever comes of it', async () => {
  const made = await create('blue');
  const [charge] = await toolsOf(made.id);
  script.answer = ({ args }) =>
    args['label'] === 'bad' ? { isError: true, content: [{ type: 'text', text: 'refused' }] } : undefined;
  const run = (label: string) =>
    client.mcpServers.tools.run(charge!.id, { mcp_server_id: made.id!, args: { label } });

  expect(await run('a')).toEqual({
    status: 'success',
    func_return: 'charge {"label":"a"}',
    agent_state: null,
    stdout: [],
    stderr: [],
    sandbox_config_fingerprint: null,
  });
  expect(await run('bad')).toMatchObject({ status: 'error', func_return: 'refused' });
  // An SDK that had no answer sends its request again, and gets that of the first sending.
  const again = await api.call('POST', `/v1/mcp-servers/${made.id!}/tools/${charge!.id}/run`, {
    body: { args: { label: 'a' } },
    headers: { 'x-stainless-retry-count': '1' },
  });
  expect(again.body).toMatchObject({ status: 'success', func_return: 'charge {"label":"a"}' });
  expect(script.calls.map(({ args }) => args['label'])).toEqual(['a', 'bad']);
});

it('a refresh takes over what has changed, and leaves what a user has set', async () => {
  const made = await create('blue');
  const before = await toolsOf(made.id);
  const charge = before.find(({ name }) => name === 'charge')!;
  const put = before.find(({ name }) => name === 'put')!;
  await client.tools.update(charge.id, { return_char_limit: 7, default_requires_approval: true });
  await api.call('PATCH', `/v1/tools/${put.id}`, { body: { effects: 'once' } });
  script.tools = [
    declare('put', { idempotentHint: false, readOnlyHint: true }, { description: 'Other.' }),
    declare('charge', { readOnlyHint: true }),
    declare('fresh'),
  ];

  const changes = await client.mcpServers.refresh(made.id!);
  const again = await client.mcpServers.refresh(made.id!);
  const after = await toolsOf(made.id);

  expect(changes).toEqual({ deleted: ['look'], updated: ['put', 'charge'], added: ['fresh'] });
  expect(again).toEqual({ deleted: [], updated: [], added: [] });
  expect(after.find(({ id }) => id === put.id)).toMatchObject({ effects: 'once', description: 'Other.' });
  expect(after.find(({ id }) => id === charge.id)).toMatchObject({
    effects: 'read',
    return_char_limit: 7,
    default_requires_approval: true,
  });
});

it('the last good list is kept when a server is down, and it is said how old it is', async () => {
  const made = await create('blue');
  const { tools_read_at: readAt } = made as typeof made & { tools_read_at: string };
  await server.die();

  const refreshed = await api.call('PATCH', `/v1/mcp-servers/${made.id!}/refresh`);
  const live = await api.call('GET', '/v1/tools/mcp/servers/blue/tools');

  expect(refreshed.status).toBe(404);
  expect(refreshed.body).toEqual({
    detail: {
      code: 'MCPServerUnavailable',
      message: `Could not connect to MCP server blue to resync tools. Its tools are those of ${readAt}.`,
      error: "MCP server 'blue': it refuses connections.",
      tools_read_at: readAt,
    },
  });
  expect(live).toMatchObject({ status: 502, body: { error: { type: 'mcp_connection_error' } } });
  expect(live.headers.get('x-should-retry')).toBe('false');
  expect(await toolsOf(made.id)).toHaveLength(3);
  expect(await client.mcpServers.retrieve(made.id!)).toMatchObject({
    tools_read_at: readAt,
    tools_error: "MCP server 'blue': it refuses connections.",
  });
});

it('a server that is down can be created, says so, and gets its tools by a refresh', async () => {
  await server.die();
  const made = await create('blue');
  expect(made).toMatchObject({
    tools_read_at: null,
    tools_error: "MCP server 'blue': it refuses connections.",
  });
  expect(await toolsOf(made.id)).toEqual([]);

  await server.rise();

  expect(await client.mcpServers.refresh(made.id!)).toMatchObject({ added: ['look', 'put', 'charge'] });
  expect(await client.mcpServers.retrieve(made.id!)).toMatchObject({ tools_error: null });
});

it('the same creation again is the same server, another one of that name is refused', async () => {
  const first = await create('blue', { auth_token: 's3cret-token' });

  const again = await create('blue', { auth_token: 's3cret-token' });
  const other = create('blue', { auth_token: 'another' });

  expect(again.id).toBe(first.id);
  await expect(other).rejects.toMatchObject({ status: 409 });
});

it('a tool whose name is taken gets its server’s in front', async () => {
  const green = await create('green');
  const blue = await create('blue', { custom_headers: { a: 'b' } });

  expect((await toolsOf(green.id)).map(({ name }) => name)).toEqual(['charge', 'look', 'put']);
  expect((await toolsOf(blue.id)).map(({ name }) => name)).toEqual(['blue_charge', 'blue_look', 'blue_put']);
  const [charge] = await toolsOf(blue.id);
  await client.mcpServers.tools.run(charge!.id, { mcp_server_id: blue.id!, args: { label: 'x' } });
  expect(script.calls.at(-1)).toMatchObject({ tool: 'charge' });
});

it('a secret is not handed to another address, but sent there when it is given anew', async () => {
  const made = await create('blue', { auth_token: 's3cret-token' });
  const thief = await startMcpHttpServer(createScript());
  const update = (fields: object) =>
    api.call('PATCH', `/v1/mcp-servers/${made.id!}`, {
      body: { config: { mcp_server_type: 'streamable_http', server_url: thief.url, ...fields } },
    });

  expect((await update({})).status).toBe(400);
  expect((await update({ auth_token: '[secret]' })).status).toBe(400);
  expect((await update({ auth_token: '' })).body).toMatchObject({ server_url: thief.url, auth_token: null });
  await thief.die();
});

it.each([
  ['no config', { server_name: 'x' }, "'loc': ('body', 'config')"],
  ['an unknown type', { server_name: 'x', config: { mcp_server_type: 'ws' } }, "'loc': ('body', 'config'"],
  [
    'no address',
    { server_name: 'x', config: { mcp_server_type: 'sse', auth_token: 's3cret-token' } },
    "('body', 'config', 'sse', 'server_url')",
  ],
  [
    'a header that ends early',
    {
      server_name: 'x',
      config: {
        mcp_server_type: 'sse',
        server_url: 'https://mcp.example.com',
        custom_headers: { a: 's3cret\r\nx: y' },
      },
    },
    "'custom_headers'",
  ],
  [
    'variables that are no text',
    {
      server_name: 'x',
      config: { mcp_server_type: 'stdio', command: 'c', args: [], env: { A: { b: 's3cret' } } },
    },
    "'env'",
  ],
  ['a list', [], "'loc': ('body',)"],
])('a creation with %s is a 422 that repeats no secret', async (_what, body, text) => {
  const answer = await api.call('POST', '/v1/mcp-servers/', { body });

  expect(answer.status).toBe(422);
  expect((answer.body as { detail: string }).detail).toContain(text);
  expect(answer.text).not.toContain('s3cret');
});

it('the routes by name show the same servers in their older form', async () => {
  const body = {
    server_name: 'blue',
    type: 'sse',
    server_url: server.sseUrl,
    auth_header: 'X-Key',
    auth_token: 's3cret-token',
  };
  const shown = { ...body, auth_token: '[secret]', custom_headers: null };
  const path = '/v1/tools/mcp/servers';

  expect((await api.call('POST', `${path}/test`, { body })).body).toMatchObject({
    status: 'success',
    tools: script.tools,
  });
  expect((await api.call('PUT', path, { body })).body).toEqual([shown]);
  expect((await api.call('GET', path)).body).toEqual({ blue: shown });
  expect((await api.call('GET', `${path}/blue/tools`)).body).toEqual(script.tools);
  script.tools.push(declare('late'));
  const late = await api.call('POST', `${path}/blue/late`);
  expect(late.body).toMatchObject({ name: 'late', tool_type: 'external_mcp', tags: ['mcp:blue'] });
  expect((await api.call('POST', `${path}/blue/never`)).status).toBe(400);
  expect((await api.call('POST', `${path}/blue/resync`)).body).toEqual({
    deleted: [],
    updated: [],
    added: [],
  });
  const ran = await api.call('POST', `${path}/blue/tools/late/execute`, { body: { args: { label: 'a' } } });
  expect(ran.body).toEqual({ result: 'late {"label":"a"}', success: true });
  const changed = await api.call('PATCH', `${path}/blue`, { body: { custom_headers: { b: 'c' } } });
  expect(changed.body).toEqual({ ...shown, custom_headers: { b: '[secret]' } });
  expect((await api.call('DELETE', `${path}/blue`)).body).toEqual([]);
  expect((await api.call('GET', `${path}/blue/tools`)).status).toBe(404);
});

it('no secret was answered in any other place, or logged', () => {
  const text = logged.join('\n');

  expect(logged.length).toBeGreaterThan(50);
  expect(text).not.toMatch(/s3cret/);
});
