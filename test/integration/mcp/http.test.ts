import type { McpCall, McpConnections } from '../../../domain/mcp';
import type { ToolOutcome } from '../../../domain/tool';
import { connectionsForTest, httpConfig, target } from '../../support/mcp-connections';
import { startMcpHttpServer, type McpHttpOptions, type McpHttpServer } from '../../support/mcp-http-server';
import { createScript, declare, type McpScript } from '../../support/mcp-tools';
import { until } from '../../support/started';

const running: McpHttpServer[] = [];
const open: McpConnections[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((connections) => connections.close()));
  await Promise.all(running.splice(0).map((server) => server.die()));
});

async function start(options: McpHttpOptions = {}, script: McpScript = createScript()) {
  const server = await startMcpHttpServer(script, options);
  running.push(server);
  return { server, script };
}
function connect(options: Parameters<typeof connectionsForTest>[0] = {}): McpConnections {
  const connections = connectionsForTest(options);
  open.push(connections);
  return connections;
}
const signal = new AbortController().signal;
const call = (name: string, fields: Partial<McpCall> = {}): McpCall => ({
  name,
  args: { label: 'a' },
  effects: 'once',
  idempotencyKey: 'run-1/0/call-1',
  ...fields,
});
const codeOf = (work: Promise<ToolOutcome>): Promise<unknown> =>
  work.then(
    (outcome) => outcome,
    (error: unknown) => (error as { code: string }).code,
  );

const WAYS = [
  ['streamable HTTP', (server: McpHttpServer) => server.url],
  ['SSE', (server: McpHttpServer) => server.sseUrl],
] as const;

it.each(WAYS)(
  'lists all pages and calls a tool over %s, which learns the key of the call',
  async (_way, urlOf) => {
    const { server, script } = await start();
    const connections = connect();
    const at = target(httpConfig(urlOf(server)));

    const { tools, unusable } = await connections.listTools(at);
    const outcome = await connections.callTool(at, call('charge'), signal);

    expect(unusable).toBe(0);
    expect(tools.map(({ name, effects }) => [name, effects])).toEqual([
      ['look', 'read'],
      ['put', 'idempotent'],
      ['charge', 'once'],
    ]);
    expect(tools[0]!.parameters).toEqual({
      type: 'object',
      properties: { label: { type: 'string' } },
      required: ['label'],
    });
    expect(outcome).toEqual({
      status: 'success',
      result: 'charge {"label":"a"}',
      stdout: null,
      stderr: null,
    });
    expect(script.calls).toEqual([{ tool: 'charge', args: { label: 'a' }, key: 'run-1/0/call-1' }]);
  },
);

it.each(WAYS)('calls share one session over %s', async (_way, urlOf) => {
  const { server, script } = await start();
  const connections = connect();
  const at = target(httpConfig(urlOf(server)));

  await Promise.all([1, 2, 3].map(() => connections.callTool(at, call('look'), signal)));

  expect(script.calls).toHaveLength(3);
  expect(server.sessions()).toBe(1);
});

it.each(WAYS)(
  'a server that was restarted between two calls over %s gets the second on another session',
  async (_way, urlOf) => {
    const { server, script } = await start();
    const connections = connect({ limits: { freshMs: 0 } });
    const at = target(httpConfig(urlOf(server)));
    await connections.callTool(at, call('charge'), signal);
    await server.die();
    const back = server.rise();

    const outcome = await connections.callTool(at, call('charge'), signal);

    await back;
    expect(outcome.status).toBe('success');
    expect(script.calls).toHaveLength(2);
  },
);

it('a server that is away for a second is waited for, whatever the tool may do', async () => {
  const { server, script } = await start();
  const connections = connect({ limits: { freshMs: 0 } });
  const at = target(httpConfig(server.url));
  await connections.callTool(at, call('charge'), signal);
  await server.die();
  const waiting = connections.callTool(at, call('charge'), signal);
  const back = new Promise<void>((resolve) => setTimeout(() => resolve(server.rise()), 1_000));

  await expect(waiting).resolves.toMatchObject({ status: 'success' });

  await back;
  expect(script.calls).toHaveLength(2);
});

it.each([
  { effects: 'once', way: 'streamable HTTP', end: 'OUTCOME_UNKNOWN', times: 1 },
  { effects: 'once', way: 'JSON', end: 'OUTCOME_UNKNOWN', times: 1 },
  { effects: 'once', way: 'SSE', end: 'OUTCOME_UNKNOWN', times: 1 },
  { effects: 'idempotent', way: 'streamable HTTP', end: { status: 'success' }, times: 2 },
  { effects: 'read', way: 'SSE', end: { status: 'success' }, times: 2 },
] as const)(
  'a call whose server dies in the middle is repeated if its effects allow it ($effects, $way)',
  async ({ effects, way, end, times }) => {
    const { server, script } = await start({ json: way === 'JSON' });
    const connections = connect();
    const at = target(httpConfig(way === 'SSE' ? server.sseUrl : server.url));
    await connections.listTools(at);
    const hanging = new Promise<undefined>(() => undefined);
    script.answer = () => (script.calls.length === 1 ? hanging : undefined);
    const asked = codeOf(connections.callTool(at, call('charge', { effects }), signal));
    await until(() => script.calls.length === 1);

    await server.die();
    await server.rise();

    expect(await asked).toEqual(typeof end === 'string' ? end : expect.objectContaining(end));
    expect(script.calls).toHaveLength(times);
    expect(new Set(script.calls.map(({ key }) => key)).size).toBe(1);
  },
);

it.each([
  ['once', 'OUTCOME_UNKNOWN'],
  ['idempotent', 'OUTCOME_UNKNOWN'],
  ['read', { status: 'error', result: expect.stringContaining('gave no answer within 0.3 seconds') }],
] as const)('a %s call that gets no answer in time is not repeated', async (effects, end) => {
  const { server, script } = await start();
  const connections = connect({ limits: { callMs: 300 } });
  let isCancelled = false;
  script.answer = (_call, stop) =>
    new Promise(() => stop.addEventListener('abort', () => (isCancelled = true)));

  const outcome = await codeOf(
    connections.callTool(target(httpConfig(server.url)), call('charge', { effects }), signal),
  );

  expect(outcome).toEqual(typeof end === 'string' ? end : expect.objectContaining(end));
  expect(script.calls).toHaveLength(1);
  await until(() => isCancelled);
});

it('a call that is cancelled ends at once and tells the server', async () => {
  const { server, script } = await start();
  const connections = connect();
  const abort = new AbortController();
  let isCancelled = false;
  script.answer = (_call, stop) =>
    new Promise(() => stop.addEventListener('abort', () => (isCancelled = true)));
  const asked = connections.callTool(target(httpConfig(server.url)), call('charge'), abort.signal);
  await until(() => script.calls.length === 1);

  abort.abort(new Error('cancelled by a test'));

  await expect(asked).rejects.toThrow('cancelled by a test');
  await until(() => isCancelled);
});

it('what a server says of its failure is the result, whatever it is', async () => {
  const { server, script } = await start();
  const connections = connect();
  const at = target(httpConfig(server.url));
  script.answer = ({ args }) => {
    if (args['label'] === 'throws') throw new Error('the till is empty');
    return { isError: true, content: [{ type: 'text', text: 'no money left' }] };
  };

  const said = await connections.callTool(at, call('charge'), signal);
  const thrown = await connections.callTool(at, call('charge', { args: { label: 'throws' } }), signal);

  expect(said).toMatchObject({ status: 'error', result: 'no money left' });
  expect(thrown).toMatchObject({ status: 'error', result: expect.stringContaining('the till is empty') });
});

it('an answer that is none leaves a call unknown, and a server that talks garbage unlisted', async () => {
  const { server } = await start({
    json: true,
    before: (_req, res, body) => {
      const { id, method } = (body ?? {}) as { id?: number; method?: string };
      if (method !== 'tools/call' && method !== 'tools/list') return false;
      const result = method === 'tools/call' ? { content: 'none' } : { tools: 'none' };
      res.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result }));
      return true;
    },
  });
  const connections = connect();
  const at = target(httpConfig(server.url));

  expect(await codeOf(connections.callTool(at, call('charge'), signal))).toBe('OUTCOME_UNKNOWN');
  expect(await codeOf(connections.callTool(at, call('look', { effects: 'read' }), signal))).toMatchObject({
    status: 'error',
    result: expect.stringContaining('something that is no answer'),
  });
  await expect(connections.listTools(at)).rejects.toMatchObject({ code: 'MCP_UNAVAILABLE' });
});

it('a list with entries that no model could be offered is read without them, one without an end is refused', async () => {
  const { server, script } = await start();
  const connections = connect();
  const at = target(httpConfig(server.url));
  script.tools.push({ name: 7 }, declare('text', {}, { inputSchema: { type: 'string' } }), declare('good'));

  const { tools, unusable } = await connections.listTools(at);
  script.tools = Array.from({ length: 1_001 }, (_, n) => declare(`tool_${n}`));

  expect(tools.map(({ name }) => name)).toEqual(['look', 'put', 'charge', 'good']);
  expect(unusable).toBe(2);
  await expect(connections.listTools(at)).rejects.toThrow('has no end');
});

it('a flood is cut off: the call is lost and the next one works', async () => {
  const { server, script } = await start({
    before: (_req, res, body) => {
      if ((body as { method?: string } | undefined)?.method !== 'tools/call' || script.calls.length > 0)
        return false;
      script.calls.push({ tool: 'flood', args: {}, key: null });
      res.setHeader('content-type', 'text/event-stream');
      const write = () => {
        if (res.writable) res.write('data: '.padEnd(64_000, 'x'), () => setImmediate(write));
      };
      write();
      return true;
    },
  });
  const connections = connect();
  const at = target(httpConfig(server.url));

  expect(await codeOf(connections.callTool(at, call('charge'), signal))).toBe('OUTCOME_UNKNOWN');
  expect(await connections.callTool(at, call('charge'), signal)).toMatchObject({ status: 'success' });
});

it.each(WAYS)(
  'a server behind a token lets in who has it over %s, and no failure quotes one',
  async (_way, urlOf) => {
    const { server } = await start({ authorization: 'Bearer s3cret-token' });
    const connections = connect();
    const config = httpConfig(urlOf(server), {
      authToken: 's3cret-token',
      headers: { 'x-team': 'blue-team' },
    });
    const wrong = httpConfig(urlOf(server), { authHeader: 'authorization', authToken: 'Bearer wr0ng-token' });

    await connections.callTool(target(config), call('look'), signal);
    const refused = connections.listTools(target(wrong, { id: 'mcp_server-2' }));
    const told = await connections.callTool(target(wrong, { id: 'mcp_server-2' }), call('charge'), signal);

    expect(
      server.headers.every((headers) => headers['x-team'] === undefined || headers['x-team'] === 'blue-team'),
    ).toBe(true);
    expect(server.headers[0]!['x-team']).toBe('blue-team');
    await expect(refused).rejects.toMatchObject({
      code: 'MCP_UNAUTHORIZED',
      message: expect.stringContaining('authorization'),
    });
    expect(told).toMatchObject({ status: 'error', result: expect.stringContaining('did not run') });
    expect(JSON.stringify(told)).not.toContain('wr0ng');
  },
);

it('a server that changes its configuration or its agent gets a session of its own', async () => {
  const { server } = await start();
  const connections = connect();
  const config = httpConfig(server.url);

  await connections.callTool(target(config), call('look'), signal);
  await connections.callTool(target(config, { version: 2 }), call('look'), signal);
  await connections.callTool(
    target({ ...config, headers: { 'x-user': 'ada' } }, { version: 2 }),
    call('look'),
    signal,
  );

  await until(() => server.sessions() === 2); // That of the older configuration has ended.
  expect(server.headers.some((headers) => headers['x-user'] === 'ada')).toBe(true);
});

it('neither an address nor a name that stands for one outside of the public internet is spoken to', async () => {
  const { server, script } = await start();
  const rebound = new URL(server.url);
  rebound.hostname = 'rebound.example';
  const lookups: string[] = [];
  const connections = connect({
    allowsPrivate: false,
    // What a DNS server does that answers with a public address first.
    resolveHost: (host) => {
      lookups.push(host);
      return Promise.resolve([{ address: lookups.length > 1 ? '127.0.0.1' : '93.184.215.14', family: 4 }]);
    },
    limits: { connectMs: 1_000, reconnectMs: 0 },
  });

  const direct = connections.listTools(target(httpConfig(server.url)));
  const first = connections.listTools(target(httpConfig(rebound.href)));

  await expect(direct).rejects.toThrow('Non-public IP not allowed: 127.0.0.1');
  await expect(first).rejects.toMatchObject({ code: 'MCP_UNAVAILABLE' });
  await expect(connections.listTools(target(httpConfig(rebound.href)))).rejects.toThrow(
    'not stand for a public address',
  );
  expect(script.calls).toEqual([]);
  expect(server.headers).toEqual([]);
});

it('no setting opens the addresses where clouds keep their credentials', () => {
  const connections = connect();
  const refusal = (url: string) => connections.refusal(httpConfig(url));

  expect(refusal('http://10.0.0.7/mcp')).toBeNull();
  expect(refusal('http://169.254.169.254/mcp')).toBe('Non-public IP not allowed: 169.254.169.254');
  expect(refusal('http://[fe80::1]/mcp')).toBe('Non-public IP not allowed: fe80::1');
});
