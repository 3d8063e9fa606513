import Letta from '@letta-ai/letta-client';
import { Client, Connection } from '@temporalio/client';
import { expiryWorkflowId, turnWorkflowId } from '../../domain/turn';
import type { FakeOpenAi } from '../support/fake-openai';
import { call, createAgent } from '../support/live-api';
import { runPython } from '../support/python-sdk';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { testTemporalAddress, type TestDatabase } from '../support/stack';
import { until } from '../support/started';

// A human, a clock or a client answers what a model asks for, through the unmodified SDKs.

let database: TestDatabase;
let fake: FakeOpenAi;
let server: LiveServer;
let temporal: Connection;

const url = (): string => server.url;
const connect = (): Letta => new Letta({ baseURL: url(), apiKey: 'none', maxRetries: 0 });

beforeAll(async () => {
  server = await startLiveServer();
  ({ database, fake } = server);
  temporal = await Connection.connect({ address: testTemporalAddress() });
});
afterAll(async () => {
  expect(fake.problems).toEqual([]);
  await server.stop();
  await temporal.close();
});

const ASKS = { tool_rules: [{ type: 'requires_approval', tool_name: 'memory_insert' }] };
const insert = (fact: string) => `CALL memory_insert ${JSON.stringify({ label: 'human', new_string: fact })}`;

interface Shown {
  readonly id: string;
  readonly message_type: string;
  readonly run_id: string;
  readonly tool_calls?: readonly { tool_call_id: string; name: string; arguments: string }[];
  readonly tool_return?: string;
  readonly status?: string;
}
interface Response {
  readonly messages: readonly Shown[];
  readonly stop_reason: { readonly stop_reason: string };
}
const send = (agentId: string, body: object): Promise<Response> =>
  connect().agents.messages.create(agentId, body as never) as unknown as Promise<Response>; // fields of our own
const answer = (agentId: string, approvals: readonly object[], rest: readonly object[] = []) =>
  send(agentId, { messages: [{ type: 'approval', approvals }, ...rest] });
const blockOf = async (agentId: string) =>
  (await connect().agents.blocks.retrieve('human', { agent_id: agentId })).value;
const lastPrompt = () => fake.requests.at(-1)!.raw.toString();
const approvalsOf = (agentId: string) =>
  call<Record<string, unknown>[]>(url(), 'GET', `/v1/approvals?agent_id=${agentId}&order=asc`);

async function ask(agentId: string, input: string) {
  const asked = await send(agentId, { input });
  expect(asked.stop_reason.stop_reason).toBe('requires_approval');
  const request = asked.messages.find(({ message_type: type }) => type === 'approval_request_message')!;
  return { request, ids: request.tool_calls!.map(({ tool_call_id: id }) => id), messages: asked.messages };
}

it('several calls are answered at once, some allowed and some not, and a call beside them runs after', async () => {
  const agent = await createAgent(url(), {
    ...ASKS,
    parallel_tool_calls: true,
    include_base_tool_rules: false,
  });
  const search = 'CALL conversation_search {"query":"tea"}';
  const { ids, messages } = await ask(agent.id, `${insert('yes')}\n${search}\n${insert('no')}`);
  const shown = messages.map(({ message_type: type, tool_calls: calls }) => [type, calls?.length]);
  expect(shown).toEqual(
    expect.arrayContaining([
      ['approval_request_message', 2],
      ['tool_call_message', 1],
    ]),
  );
  await expect(send(agent.id, { input: 'SAY hi' })).rejects.toMatchObject({
    status: 409,
    error: { detail: { code: 'PENDING_APPROVAL' } },
  });
  await expect(answer(agent.id, [{ tool_call_id: ids[0], approve: true }])).rejects.toMatchObject({
    status: 400,
    error: {
      detail: `Invalid tool call IDs. Expected '['${ids.join("', '")}']', but received '['${ids[0]}']'.`,
    },
  });

  const given = [
    { type: 'approval', tool_call_id: ids[1], approve: false, reason: 'too risky' },
    { type: 'approval', tool_call_id: ids[0], approve: true },
  ];
  const answered = await answer(agent.id, given, [{ role: 'user', content: 'SAY thanks' }]);

  const [returned] = answered.messages as unknown as { tool_returns?: { status: string }[] }[];
  expect(returned?.tool_returns?.map(({ status }) => status).sort()).toEqual(['error', 'success', 'success']);
  expect(answered.messages.at(-1)).toMatchObject({ content: 'thanks' });
  expect(await blockOf(agent.id)).toBe('start\nyes');
  expect(lastPrompt()).toContain('User reason: too risky');

  const again = await answer(agent.id, given);
  expect(again.messages).toEqual(answered.messages);
  expect(await blockOf(agent.id)).toBe('start\nyes');
});

it('a call runs with the arguments that a human changed, and the model is told so', async () => {
  const agent = await createAgent(url(), ASKS);
  const { ids, request } = await ask(agent.id, insert('model'));
  const edit = (args: unknown) =>
    answer(agent.id, [{ type: 'approval', tool_call_id: ids[0], approve: true, arguments: args }]);

  await expect(edit({ label: 'human', new_text: 'x' })).rejects.toMatchObject({ status: 400 });
  await expect(edit('no json')).rejects.toMatchObject({ status: 400 });
  expect(await approvalsOf(agent.id)).toMatchObject([{ status: 'pending', message_id: request.id }]);
  await edit({ label: 'human', new_string: 'human' });

  expect(await blockOf(agent.id)).toBe('start\nhuman');
  expect(lastPrompt()).toContain('A human changed the arguments of this call');
  const listed = await call<Shown[]>(url(), 'GET', `/v1/agents/${agent.id}/messages?order=asc`);
  const kept = listed.find(({ id }) => id === request.id)!;
  expect(JSON.parse(kept.tool_calls![0]!.arguments)).toMatchObject({ new_string: 'model' });
  expect(await approvalsOf(agent.id)).toMatchObject([
    { status: 'answered', approve: true, edited_arguments: '{"label":"human","new_string":"human"}' },
  ]);
  const effects = await call<object[]>(url(), 'GET', `/v1/effects?agent_id=${agent.id}`);
  expect(effects).toMatchObject([{ arguments: '{"label":"human","new_string":"human"}' }]);
});

it('the client runs its own tool in place of ours, in a background stream, and it is offered again', async () => {
  const client = connect();
  const agent = await createAgent(url());
  const client_tools = [
    { name: 'memory_insert', description: 'mine', parameters: { type: 'object', properties: { new_string: { type: 'string' } } } },
  ]; // prettier-ignore
  const stream = await client.agents.messages.create(agent.id, {
    input: insert('never'),
    client_tools,
    client_skills: [],
    streaming: true,
    stream_tokens: true,
    background: true,
    include_pings: true,
  });
  const chunks: { message_type: string; stop_reason?: string; tool_call?: { tool_call_id?: string; arguments?: string } }[] = []; // prettier-ignore
  for await (const chunk of stream) chunks.push(chunk as (typeof chunks)[number]);

  const deltas = chunks.filter(({ message_type: type }) => type === 'approval_request_message');
  expect(deltas.length).toBeGreaterThan(1);
  const args = deltas.map(({ tool_call: delta }) => delta?.arguments ?? '').join('');
  expect(JSON.parse(args)).toMatchObject({ new_string: 'never' });
  expect(chunks.find(({ message_type: type }) => type === 'stop_reason')?.stop_reason).toBe(
    'requires_approval',
  );
  const id = deltas.find(({ tool_call: delta }) => delta?.tool_call_id)!.tool_call!.tool_call_id;
  await expect(
    answer(agent.id, [{ type: 'approval', tool_call_id: id, approve: true }]),
  ).rejects.toMatchObject({
    status: 400,
  });

  const result = { type: 'tool', tool_call_id: id, tool_return: 'done locally', status: 'success' };
  const messages = [{ type: 'approval', approvals: [result] }];
  const answered = await send(agent.id, { messages, client_tools });

  expect(answered.messages[0]).toMatchObject({ tool_return: 'done locally', status: 'success' });
  expect(answered.stop_reason.stop_reason).toBe('end_turn');
  expect(await blockOf(agent.id)).toBe('start');
  expect(lastPrompt()).toContain('"description":"mine"');
  expect(lastPrompt().match(/"name":"memory_insert","description"/g)).toHaveLength(1);
  await send(agent.id, { input: 'SAY on my own' });
  expect(lastPrompt()).not.toContain('"description":"mine"');
});

it('a wait of 30 days over two deploys holds no workflow and resumes', async () => {
  const agent = await createAgent(url(), ASKS);
  const { ids, request } = await ask(agent.id, insert('late'));
  const { workflow } = new Client({ connection: temporal });
  const status = async (id: string) => (await workflow.getHandle(id).describe()).status.name;
  await until(async () => (await status(turnWorkflowId(agent.id))) === 'COMPLETED');
  await expect(status(expiryWorkflowId(request.id))).rejects.toThrow(/not found/i);
  await server.worker.kill('SIGKILL');
  await server.start('all');
  await server.worker.kill('SIGTERM');
  await server.start('all');
  for (const [table, columns] of Object.entries({
    messages: ['created_at'],
    steps: ['started_at', 'completed_at'],
    runs: ['created_at', 'started_at', 'completed_at'],
  })) {
    const set = columns.map((column) => `${column} = ${column} - interval '30 days'`).join(', ');
    await database.pool.query(`update ${table} set ${set} where agent_id = $1`, [agent.id]);
  }

  await answer(agent.id, [{ type: 'approval', tool_call_id: ids[0], approve: true }]);

  expect(await blockOf(agent.id)).toBe('start\nlate');
});

describe('a policy for calls that nobody answers', () => {
  const policy = (agentId: string, approval_expiry: object) =>
    call(url(), 'PATCH', `/v1/agents/${agentId}/tools/approval/memory_insert`, {
      requires_approval: true,
      approval_expiry,
    });
  const hasTimer = async (messageId: string) => {
    const handle = new Client({ connection: temporal }).workflow.getHandle(expiryWorkflowId(messageId));
    const history = await handle.fetchHistory().catch(() => null);
    return history?.events?.some(({ timerStartedEventAttributes: timer }) => timer) === true;
  };
  const expired = (agentId: string) =>
    until(async () => {
      const [approval] = await approvalsOf(agentId);
      return approval?.['status'] === 'expired';
    });
  const runEnded = (agentId: string) =>
    until(async () => {
      const runs = await call<{ status: string }[]>(url(), 'GET', `/v1/runs/?agent_id=${agentId}`);
      return runs.length === 2 && runs.every(({ status }) => status === 'completed');
    });

  it('answers in time although every process was killed meanwhile', async () => {
    const [denied, allowed] = [await createAgent(url()), await createAgent(url())];
    await policy(denied.id, { action: 'deny', after_seconds: 2 });
    await policy(allowed.id, { action: 'allow', after_seconds: 2 });
    const asked = [await ask(denied.id, insert('no')), await ask(allowed.id, insert('yes'))];
    expect(await approvalsOf(denied.id)).toMatchObject([{ status: 'pending', expiry_action: 'deny' }]);
    for (const { request } of asked) await until(() => hasTimer(request.id));

    await server.worker.kill('SIGKILL');
    await server.start('all');
    for (const { id } of [denied, allowed]) {
      await expired(id);
      await runEnded(id);
    }

    expect(await blockOf(denied.id)).toBe('start');
    expect(await blockOf(allowed.id)).toBe('start\nyes');
    const [run] = await call<{ metadata: object }[]>(url(), 'GET', `/v1/runs/?agent_id=${denied.id}&limit=1`);
    expect(run?.metadata).toMatchObject({ run_type: 'approval_expiry' });
  });

  it('finds nothing to do when a human was faster, or when the agent is gone', async () => {
    const { workflow } = new Client({ connection: temporal });
    const [answered, deleted] = [await createAgent(url()), await createAgent(url())];
    for (const { id } of [answered, deleted]) await policy(id, { action: 'allow', after_seconds: 1 });
    const { request, ids } = await ask(answered.id, insert('no'));
    const gone = await ask(deleted.id, insert('no'));
    await answer(answered.id, [{ type: 'approval', tool_call_id: ids[0], approve: false }]);
    await call(url(), 'DELETE', `/v1/agents/${deleted.id}`);

    for (const { id } of [request, gone.request]) await workflow.getHandle(expiryWorkflowId(id)).result();

    const runs = await call<object[]>(url(), 'GET', `/v1/runs/?agent_id=${answered.id}`);
    expect(runs).toHaveLength(2);
    expect(await blockOf(answered.id)).toBe('start');
  });
});

it('one list shows what waits across agents, and takes the answer', async () => {
  const [first, second] = [await createAgent(url(), ASKS), await createAgent(url(), ASKS)];
  const { request } = await ask(first.id, insert('listed'));
  await ask(second.id, insert('other'));
  const waiting = await call<Record<string, unknown>[]>(url(), 'GET', '/v1/approvals?status=pending&limit=1');
  expect(waiting).toMatchObject([{ agent_id: second.id, tool_name: 'memory_insert' }]);
  const cursor = encodeURIComponent(String(waiting[0]!['id']));
  const next = await call<object[]>(url(), 'GET', `/v1/approvals?status=pending&limit=1&after=${cursor}`);
  expect(next).toMatchObject([{ agent_id: first.id, message_id: request.id }]);

  const run = await call<{ id: string }>(url(), 'POST', `/v1/approvals/${request.id}/answer`, {
    approve: true,
  });

  await until(async () => (await blockOf(first.id)) === 'start\nlisted');
  expect(await approvalsOf(first.id)).toMatchObject([{ status: 'answered', answered_by_run_id: run.id }]);
  await call(url(), 'POST', `/v1/agents/${second.id}/messages/cancel`);
  expect(await approvalsOf(second.id)).toMatchObject([{ status: 'cancelled' }]);
});

it('the Python SDK approves, denies, changes arguments and runs a tool of its own', async () => {
  expect(await runPython('approvals.py', url())).toEqual([
    'approved: start|one',
    'denied: Error: request to call tool denied. User reason: no',
    'edited: start|one|edited',
    'pending: 409 PENDING_APPROVAL',
    'client tool: noon end_turn',
  ]);
});
