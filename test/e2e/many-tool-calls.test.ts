import Letta from '@letta-ai/letta-client';
import fs from 'node:fs';
import { startFakeOpenAI, type FakeOpenAi } from '../support/fake-openai';
import { HOOK, STDIO_SERVER } from '../support/mcp-connections';
import { startMcpHttpServer, type McpHttpServer } from '../support/mcp-http-server';
import { createScript } from '../support/mcp-tools';
import { createMixedAgent, createMixedTools } from '../support/mixed-tools';
import { serve, type Served } from '../support/served';
import { createTestDatabase, testTemporalAddress, type TestDatabase } from '../support/stack';
import { descendants, temporaryFolder, until } from '../support/started';

jest.setTimeout(180_000);

const AGENTS = 20;
const CALLS_PER_TURN = 10;

const folder = temporaryFolder();
let fake: FakeOpenAi;
let database: TestDatabase;
let mcp: McpHttpServer;
let server: Served;

beforeAll(async () => {
  fs.chmodSync(folder, 0o1777);
  [database, fake, mcp] = await Promise.all([
    createTestDatabase(),
    startFakeOpenAI(),
    startMcpHttpServer(createScript()),
  ]);
  server = await serve({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: testTemporalAddress(),
    TEMPORAL_TASK_QUEUE: new URL(database.url).pathname.slice(1),
    OPENAI_API_KEY: 'sk-test',
    OPENAI_BASE_URL: fake.url,
    MCP_DISABLE_STDIO: 'false',
    EVERTURN_MCP_PRIVATE_ADDRESSES: 'true',
    TMPDIR: folder,
  });
}, 60_000);
afterAll(async () => {
  await server.kill('SIGTERM');
  await Promise.all([fake.close(), mcp.die()]);
  await database.drop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** What the server holds at this moment. */
async function held() {
  const { rows } = await database.pool.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  );
  return {
    processes: descendants(server.pid).length,
    descriptors: fs.readdirSync(`/proc/${server.pid}/fd`).length,
    folders: fs.readdirSync(folder).length,
    connections: rows[0]!.n,
    sessions: mcp.sessions(),
  };
}

it('two hundred calls of every kind of tool at once leave no process, descriptor, folder or connection behind', async () => {
  const url = server.url ?? '';
  const client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0, timeout: 150_000 });
  const stdio = [process.execPath, '-r', HOOK, STDIO_SERVER] as const;
  const { names, message: input } = await createMixedTools(url, { url: mcp.url, stdio });
  const agents = await Promise.all(Array.from({ length: AGENTS }, () => createMixedAgent(url, names)));
  const round = async () => {
    const turns = agents.map((id) => client.agents.messages.create(id, { input }));
    const returns = (await Promise.all(turns)).flatMap(({ messages }) =>
      messages.filter(({ message_type: type }) => type === 'tool_return_message'),
    );
    return returns
      .map((each) => each as { status?: string; tool_return?: string })
      .map(({ status, tool_return: text }) => (status === 'success' ? status : text));
  };

  // The first round opens what stays: sessions, connections, caches.
  expect(await round()).toEqual(Array(AGENTS * CALLS_PER_TURN).fill('success'));
  await until(async () => (await held()).folders === 0, 20_000);
  const warmed = await held();
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
