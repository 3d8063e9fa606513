import Letta from '@letta-ai/letta-client';
import fs from 'node:fs';
import path from 'node:path';
import { createActingTools, createWitness, type Effects, type Witness } from '../support/acting-tools';
import { startCountingTarget, type CountingTarget } from '../support/counting-target';
import type { FakeOpenAi } from '../support/fake-openai';
import { call } from '../support/live-api';
import { startMcpHttpServer, type McpHttpServer } from '../support/mcp-http-server';
import { countingScript } from '../support/mcp-tools';
import { pythonWithSdk, runPython } from '../support/python-sdk';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import { temporaryFolder, until } from '../support/started';
import { FOUR_CALLS, toolThread } from '../support/tool-thread';

// A Python tool, a TypeScript tool, an MCP tool and a client's own tool in one turn, through both unmodified SDKs, with a
// kill -9 of the worker in the middle of each of the four. Three such turns at once, one of each class of effects.

const MCP_TOOL: Readonly<Record<Effects, string>> = { once: 'charge', idempotent: 'put', read: 'look' };
const CLASSES = ['once', 'idempotent', 'read'] as const;
const CLIENT_TOOLS = [
  { name: 'ask_user', description: 'mine', parameters: { type: 'object', properties: {} } },
];

const folder = temporaryFolder();
let server: LiveServer;
let fake: FakeOpenAi;
let target: CountingTarget;
let mcp: McpHttpServer;
let witness: Witness;
let client: Letta;
let url: string;

beforeAll(async () => {
  fs.chmodSync(folder, 0o1777);
  witness = createWitness(folder);
  target = await startCountingTarget();
  mcp = await startMcpHttpServer(countingScript(target.url));
  await pythonWithSdk();
  server = await startLiveServer({
    env: { EVERTURN_MCP_PRIVATE_ADDRESSES: 'true', TMPDIR: folder },
    roles: SPLIT,
  });
  ({ fake, url } = server);
  client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0 });
  for (const effects of CLASSES) await createActingTools(client, effects);
  await client.mcpServers.create({
    server_name: 'counting',
    config: { mcp_server_type: 'streamable_http', server_url: mcp.url },
  });
});
afterAll(async () => {
  witness.stop();
  await server.stop();
  await Promise.all([target.close(), mcp.die()]);
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Waits until what may be repeated has been. */
async function replaceWorker(attempts: () => readonly number[] = () => []): Promise<void> {
  await server.worker.kill('SIGKILL');
  const before = attempts();
  await server.start('worker');
  await until(() => attempts().every((count, at) => count > before[at]!), 60_000);
}

const question = (effects: Effects) =>
  [`py_${effects}`, `ts_${effects}`, MCP_TOOL[effects], 'ask_user']
    .map((tool) => `CALL ${tool} {"label":"${effects}"}`)
    .join('\nTHEN\n');
const agentFor = async (effects: Effects) =>
  (
    await client.agents.create({
      model: 'openai/gpt-4.1',
      tools: [`py_${effects}`, `ts_${effects}`, MCP_TOOL[effects]],
      include_base_tools: false,
    })
  ).id;

interface Shown {
  readonly message_type: string;
  readonly tool_calls?: readonly { readonly tool_call_id: string }[];
  readonly tool_call?: { readonly tool_call_id: string };
}
const effectsOf = (agentId: string) =>
  call<Record<string, string>[]>(url, 'GET', `/v1/effects?agent_id=${agentId}&order=asc`);
const isAsked = async (agentId: string): Promise<boolean> => {
  const asked = await call<object[]>(url, 'GET', `/v1/approvals?agent_id=${agentId}`);
  return asked.length > 0;
};

/** The turn through the TypeScript SDK up to the client's tool, as one answer or as a stream. */
async function askInOne(agentId: string, input: string): Promise<Shown[]> {
  const { messages } = await client.agents.messages.create(agentId, { input, client_tools: CLIENT_TOOLS });
  return messages as unknown as Shown[];
}
async function askInStream(agentId: string, input: string): Promise<Shown[]> {
  const shown: Shown[] = [];
  const stream = await client.agents.messages.create(agentId, {
    input,
    client_tools: CLIENT_TOOLS,
    streaming: true,
  });
  for await (const chunk of stream) shown.push(chunk as unknown as Shown);
  return shown;
}

it('a worker that is killed in the middle of each of four tools of a turn leaves every effect exact or unknown, and the turns end', async () => {
  const [once, idempotent, read] = [
    await agentFor('once'),
    await agentFor('idempotent'),
    await agentFor('read'),
  ];
  const clientMayAct = path.join(folder, 'client-may-act');
  for (const effects of CLASSES) target.hold(effects, { isRecorded: true });
  const asked = askInOne(once, question('once'));
  const python = runPython('four_tools.py', url, idempotent, question('idempotent'), clientMayAct);
  const streamed = askInStream(read, question('read'));

  // On a slow machine Temporal may lose sight of an attempt that lives, and make another one.
  const repeated = ['idempotent', 'read'] as const;
  for (const kind of ['py', 'ts']) {
    const attempts = (effects: Effects) => witness.attempts(`${kind}_${effects}`);
    const described = () => `${kind}: ${CLASSES.map(attempts).join()}`;
    await until(() => CLASSES.every((effects) => attempts(effects) > 0), 60_000, described);
    await replaceWorker(() => repeated.map(attempts));
    for (const effects of CLASSES) witness.release(`${kind}_${effects}`);
  }
  await until(() => CLASSES.every((effects) => target.calls(effects) > 0), 60_000);
  await replaceWorker(() => repeated.map(target.calls));
  for (const effects of CLASSES) target.release(effects);
  for (const agentId of [once, idempotent, read]) await until(() => isAsked(agentId), 60_000);
  await replaceWorker();
  fs.writeFileSync(clientMayAct, '');
  const ends = [];
  for (const [agentId, shown] of [
    [once, await asked],
    [read, await streamed],
  ] as const) {
    const request = shown.find(({ message_type: type }) => type === 'approval_request_message');
    const id = (request?.tool_calls?.[0] ?? request?.tool_call)?.tool_call_id ?? '';
    const approvals = [
      { type: 'tool' as const, tool_call_id: id, tool_return: 'yes', status: 'success' as const },
    ];
    const { stop_reason: end } = await client.agents.messages.create(agentId, {
      messages: [{ type: 'approval', approvals }],
      client_tools: CLIENT_TOOLS,
    });
    ends.push(end.stop_reason);
  }

  expect(ends).toEqual(['end_turn', 'end_turn']);
  expect(await python).toEqual([
    'stopped: requires_approval',
    'returned: py_idempotent success acted',
    'returned: ts_idempotent success acted',
    'returned: put success counted',
    'done: end_turn ["tool_return_message", "assistant_message"]',
  ]);
  for (const [agentId, effects] of [
    [once, 'once'],
    [idempotent, 'idempotent'],
    [read, 'read'],
  ] as const) {
    const names = [`py_${effects}`, `ts_${effects}`, MCP_TOOL[effects]];
    const thread = await toolThread(url, agentId);
    expect(thread.shape).toEqual(FOUR_CALLS);
    expect(new Set(thread.called).size).toBe(4);
    expect(thread.returned).toEqual(thread.called);
    const ledger = await effectsOf(agentId);
    const ofServer = ledger.filter(({ tool_name: name }) => name !== 'ask_user');
    expect(ofServer.map(({ tool_name: name }) => name)).toEqual(names);
    const isUnknown = effects === 'once';
    expect(ofServer.map(({ status }) => status)).toEqual(Array(3).fill(isUnknown ? 'unknown' : 'done'));
    const returns = thread.returns.slice(0, 3);
    expect(returns).toMatchObject(
      Array(3).fill(isUnknown ? { status: 'error', effect_status: 'unknown' } : { status: 'success' }),
    );
    // Whoever acts under the key of the call acts once, however often it is called.
    expect([...new Set(target.effects(effects))]).toEqual([ofServer[2]?.['key']]);
    if (isUnknown) continue;
    expect(returns.slice(0, 2).map(({ tool_return: text }) => text)).toEqual(
      ofServer.slice(0, 2).map(({ key }) => `acted for ${effects} ${key}`),
    );
  }
  for (const kind of ['py', 'ts']) expect(witness.attempts(`${kind}_once`)).toBe(1);
  expect(target.calls('once')).toBe(1);
  expect(fs.readdirSync(folder).filter((name) => name.startsWith('everturn-tool-'))).toEqual([]);
  const next = await client.agents.messages.create(once, { input: 'SAY still here' });
  expect(next.messages.at(-1)).toMatchObject({ content: 'still here' });
  expect(fake.problems).toEqual([]);
});
