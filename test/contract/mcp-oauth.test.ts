import { createMcpStore } from '../../db/mcp-store';
import type { McpConnections } from '../../domain/mcp';
import { createMcpConnections } from '../../tools/mcp/connections';
import { startMcpOAuthServer, type McpOAuthServer } from '../support/mcp-oauth-server';
import { createScript } from '../support/mcp-tools';
import { startTestApi, type TestApi } from '../support/test-api';

const PASSWORD = 'the-password';
let api: TestApi;
let connections: McpConnections;
let server: McpOAuthServer;

beforeAll(async () => {
  const script = createScript();
  server = await startMcpOAuthServer(script);
  const waiting: { connections?: McpConnections } = {};
  api = await startTestApi({
    password: PASSWORD,
    mcp: new Proxy({} as McpConnections, {
      get: (_, name) => Reflect.get(waiting.connections!, name) as unknown,
    }),
  });
  waiting.connections = connections = createMcpConnections({
    oauth: createMcpStore(api.db).oauth,
    allowsStdio: false,
    allowsPrivate: true,
    limits: { connectMs: 5_000, listMs: 5_000, callMs: 5_000, reconnectMs: 200, freshMs: 0 },
  });
});
afterAll(async () => {
  await connections.close();
  await api.close();
  await server.close();
});

const headers = { authorization: `Bearer ${PASSWORD}` };
type Event = Readonly<Record<string, unknown>> & { readonly event: string };

/** Connects and does what a browser does with the page it is sent to. */
async function connect(path: string, init: RequestInit = {}): Promise<{ events: Event[]; landed: unknown }> {
  const answer = await fetch(api.url + path, {
    ...init,
    headers: { ...headers, 'content-type': 'application/json' },
  });
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  const events: Event[] = [];
  let landed: unknown = null;
  for (let text = ''; ;) {
    const { done, value } = await reader.read();
    if (done) return { events, landed };
    text += value;
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) {
      const event = JSON.parse(frame.replace(/^data: /, '')) as Event;
      events.push(event);
      // Without the password: the browser has none.
      if (event.event === 'authorization_url') landed = await (await fetch(String(event['url']))).json();
    }
  }
}

it('a user grants access on the page of the authorization server, and the tools are there', async () => {
  const { body: made } = await api.call('POST', '/v1/mcp-servers/', {
    headers,
    body: { server_name: 'guarded', config: { mcp_server_type: 'streamable_http', server_url: server.url } },
  });
  const { id, tools_error: error } = made as { id: string; tools_error: string };
  expect(error).toContain('asks for authorization');

  const { events, landed } = await connect(`/v1/mcp-servers/connect/${id}`);

  expect(events.map(({ event }) => event)).toEqual([
    'connection_attempt',
    'oauth_required',
    'authorization_url',
    'waiting_for_auth',
    'success',
  ]);
  expect(events.at(-1)).toMatchObject({ tools: [{ name: 'look' }, { name: 'put' }, { name: 'charge' }] });
  expect(landed).toEqual({ status: 'success', message: 'Authorization successful', server_url: server.url });
  const refreshed = await api.call('PATCH', `/v1/mcp-servers/${id}/refresh`, { headers });
  expect(refreshed.body).toMatchObject({ added: ['look', 'put', 'charge'] });
  const shown = await api.call('GET', `/v1/mcp-servers/${id}`, { headers });
  expect(shown.text).not.toMatch(/at-|rt-/);
});

it('a token that has expired is replaced without anybody, one that is void is asked for again', async () => {
  const body = JSON.stringify({ server_name: 'x', type: 'streamable_http', server_url: server.url });
  const init = { method: 'POST', body };
  server.expireTokens();

  const replaced = await connect('/v1/tools/mcp/servers/connect', init);
  server.revokeAll();
  const asked = await connect('/v1/tools/mcp/servers/connect', init);

  expect(replaced.events.map(({ event }) => event)).toEqual(['connection_attempt', 'success']);
  expect(asked.events.map(({ event }) => event)).toContain('authorization_url');
  expect(asked.events.at(-1)!.event).toBe('success');
});

it('a return that nobody waits for, or without a code, is told so', async () => {
  const path = '/v1/tools/mcp/oauth/callback';

  const answers = [
    await api.call('GET', path),
    await api.call('GET', `${path}?state=made-up&code=c`),
    await api.call('GET', `${path}?state=made-up&error=access_denied`),
  ];

  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(answers.map(({ body }) => (body as { status: string }).status)).toEqual(['error', 'error', 'error']);
  expect((answers[2]!.body as { message: string }).message).toBe('OAuth error: access_denied');
  expect((await api.call('GET', '/v1/tools/mcp/servers')).status).toBe(401);
});
