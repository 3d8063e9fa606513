import Letta from '@letta-ai/letta-client';
import fs from 'node:fs';
import path from 'node:path';
import { createActingTools, createWitness, type Witness } from '../support/acting-tools';
import { startCountingTarget, type CountingTarget } from '../support/counting-target';
import { startFakeOpenAI, type FakeOpenAi } from '../support/fake-openai';
import { call, runEnd } from '../support/live-api';
import { startLiveEverturn, type LiveEverturn } from '../support/live-everturn';
import { startMcpHttpServer, type McpHttpServer } from '../support/mcp-http-server';
import { countingScript } from '../support/mcp-tools';
import { temporaryFolder, until } from '../support/started';
import { FOUR_CALLS, toolThread } from '../support/tool-thread';

// As crash-every-tool.test.ts, but the whole tree is killed: API, worker, Postgres and Temporal.

const CLIENT_TOOLS = [
  { name: 'ask_user', description: 'mine', parameters: { type: 'object', properties: {} } },
];
const folder = temporaryFolder();
const home = path.join(folder, 'home');
const temporary = path.join(folder, 'tmp');
let fake: FakeOpenAi;
let target: CountingTarget;
let mcp: McpHttpServer;
let witness: Witness;
let everturn: LiveEverturn;

beforeAll(async () => {
  fs.chmodSync(folder, 0o755);
  fs.mkdirSync(temporary);
  fs.chmodSync(temporary, 0o1777);
  witness = createWitness(temporary);
  [fake, target] = await Promise.all([startFakeOpenAI(), startCountingTarget()]);
  mcp = await startMcpHttpServer(countingScript(target.url));
  await start();
});
afterAll(async () => {
  witness.stop();
  await everturn.stop();
  await Promise.all([fake.close(), target.close(), mcp.die()]);
  fs.rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<void> {
  everturn = await startLiveEverturn(home, fake.url, {
    EVERTURN_MCP_PRIVATE_ADDRESSES: 'true',
    TMPDIR: temporary,
  });
}
async function killAndStart(): Promise<void> {
  await everturn.killTree();
  await start();
}
const client = () => new Letta({ baseURL: everturn.url, apiKey: 'none', maxRetries: 0 });

it('a server that is killed as a whole in the middle of each of four tools of a turn leaves every effect exact or unknown', async () => {
  await createActingTools(client(), 'once');
  await createActingTools(client(), 'idempotent');
  await client().mcpServers.create({
    server_name: 'counting',
    config: { mcp_server_type: 'streamable_http', server_url: mcp.url },
  });
  const { id } = await client().agents.create({
    model: 'openai/gpt-4.1',
    tools: ['py_once', 'ts_idempotent', 'put'],
    include_base_tools: false,
  });
  target.hold('x', { isRecorded: true });
  const calls = ['py_once', 'ts_idempotent', 'put', 'ask_user'].map((tool) => `CALL ${tool} {"label":"x"}`);
  const messages = [{ role: 'user' as const, content: calls.join('\nTHEN\n') }];
  const run = await client().agents.messages.createAsync(id, { messages, client_tools: CLIENT_TOOLS });

  await until(() => witness.attempts('py_once') > 0, 60_000);
  await killAndStart();
  await until(() => witness.attempts('ts_idempotent') > 0, 60_000);
  const before = witness.attempts('ts_idempotent');
  await killAndStart();
  await until(() => witness.attempts('ts_idempotent') > before, 60_000);
  witness.release('ts_idempotent');
  await until(() => target.calls('x') > 0, 60_000);
  const sent = target.calls('x');
  await killAndStart();
  await until(() => target.calls('x') > sent, 60_000);
  target.release('x');
  const stopped = await runEnd(everturn.url, run.id);
  await killAndStart();
  const asked = await toolThread(everturn.url, id);
  const approvals = [
    {
      type: 'tool' as const,
      tool_call_id: asked.called.at(-1) ?? '',
      tool_return: 'yes',
      status: 'success' as const,
    },
  ];
  const done = await client().agents.messages.create(id, {
    messages: [{ type: 'approval', approvals }],
    client_tools: CLIENT_TOOLS,
  });

  expect(stopped.stop_reason).toBe('requires_approval');
  expect(done.stop_reason.stop_reason).toBe('end_turn');
  const thread = await toolThread(everturn.url, id);
  expect(thread.shape).toEqual(FOUR_CALLS);
  expect(thread.returned).toEqual(thread.called);
  const ledger = await call<Record<string, string>[]>(
    everturn.url,
    'GET',
    `/v1/effects?agent_id=${id}&order=asc`,
  );
  expect(ledger.slice(0, 3)).toMatchObject([
    { tool_name: 'py_once', status: 'unknown' },
    { tool_name: 'ts_idempotent', status: 'done' },
    { tool_name: 'put', status: 'done' },
  ]);
  expect(thread.returns).toMatchObject([
    { status: 'error', effect_status: 'unknown' },
    { status: 'success', tool_return: `acted for x ${ledger[1]?.['key']}` },
    { status: 'success', tool_return: 'counted x' },
    { status: 'success', tool_return: 'yes' },
  ]);
  expect(witness.attempts('py_once')).toBe(1);
  expect([...new Set(target.effects('x'))]).toEqual([ledger[2]?.['key']]);
  expect(fs.readdirSync(temporary).filter((name) => name.startsWith('everturn-tool-'))).toEqual([]);
  expect(fake.problems).toEqual([]);
});
