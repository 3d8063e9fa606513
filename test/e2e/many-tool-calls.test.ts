import Letta from '@letta-ai/letta-client';
import fs from 'node:fs';
import type { FakeOpenAi } from '../support/fake-openai';
import { HOOK, STDIO_SERVER } from '../support/mcp-connections';
import { startMcpHttpServer, type McpHttpServer } from '../support/mcp-http-server';
import { createScript } from '../support/mcp-tools';
import { createMixedAgent, createMixedTools } from '../support/mixed-tools';
import { startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';
import { descendants, temporaryFolder, until } from '../support/started';

const AGENTS = 20;
const CALLS_PER_TURN = 10;
const IDLE_MS = 7_000;

const folder = temporaryFolder();
let fake: FakeOpenAi;
let database: TestDatabase;
let mcp: McpHttpServer;
let server: LiveServer;

beforeAll(async () => {
  fs.chmodSync(folder, 0o1777);
  mcp = await startMcpHttpServer(createScript());
  server = await startLiveServer({
    env: { MCP_DISABLE_STDIO: 'false', EVERTURN_MCP_PRIVATE_ADDRESSES: 'true', TMPDIR: folder },
  });
  ({ database, fake } = server);
});
afterAll(async () => {
  await server.stop();
  await mcp.die();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** What the server holds at this moment. */
async function held() {
  const { rows } = await database.pool.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  );
  const connections = rows[0]!.n;
  return {
    processes: descendants(server.worker.pid).length,
    // Those to Postgres aside, which come and go.
    descriptors: fs.readdirSync(`/proc/${server.worker.pid}/fd`).length - connections,
    folders: fs.readdirSync(folder).length,
    connections,
    sessions: mcp.sessions(),
  };
}

/** What it holds once nothing is kept open for the next request any more: unchanged for longer than any HTTP connection idles. */
async function settled() {
  let last = await held();
  let since = Date.now();
  await until(async () => {
    const now = await held();
    if (now.descriptors !== last.descriptors) [last, since] = [now, Date.now()];
    return Date.now() - since > IDLE_MS;
  }, 60_000);
  return last;
}

it('two hundred calls of every kind of tool at once leave no process, descriptor, folder or connection behind', async () => {
  const url = server.url;
  const client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0, timeout: 150_000 });
  const stdio = [process.execPath, '-r', HOOK, STDIO_SERVER] as const;
  const { names, message: input } = await createMixedTools(url, { url: mcp.url, stdio });
  const agents = await Promise.all(Array.from({ length: AGENTS }, () => createMixedAgent(url, names)));
  const round = async () => {
    const turns = agents.map((id) => client.agents.messages.create(id, { input }));
    const returns = (await Promise.all(turns)).flatMap(({ messages }) =>
      messages.flatMap(
        (each) => (each as { tool_returns?: { status: string; tool_return: string }[] }).tool_returns ?? [],
      ),
    );
    return returns.map(({ status, tool_return: text }) => (status === 'success' ? status : text));
  };

  // The first round opens what stays: sessions, connections, caches.
  expect(await round()).toEqual(Array(AGENTS * CALLS_PER_TURN).fill('success'));
  const { connections } = await held();
  // Of connections to Postgres, as many stay as are in use at the moment; never more than a round has opened.
  const warmed = { ...(await settled()), connections };
  expect(warmed.folders).toBe(0);
  const statuses = await round();

  expect(statuses).toEqual(Array(AGENTS * CALLS_PER_TURN).fill('success'));
  let now = await held();
  await until(
    async () => {
      now = await held();
      return Object.entries(warmed).every(([what, count]) => now[what as keyof typeof now] <= count);
    },
    30_000,
    () => `${JSON.stringify(warmed)} before, ${JSON.stringify(now)} after`,
  );
  expect(now).toMatchObject({ processes: warmed.processes, folders: 0, sessions: warmed.sessions });
  expect(fake.problems).toEqual([]);
});
