import Letta, { NotFoundError } from '@letta-ai/letta-client';
import { sampleBody } from '../support/letta-samples';
import { insertMessage, insertRun, insertStep } from '../support/rows';
import { shapeOf } from '../support/shape';
import { startTestApi, type TestApi } from '../support/test-api';

let api: TestApi;
let client: Letta;
let agentId: string;

beforeAll(async () => {
  api = await startTestApi();
  client = new Letta({ baseURL: api.url, apiKey: 'x', maxRetries: 0 });
});
afterAll(() => api.close());
beforeEach(async () => {
  const agent = await client.agents.create({
    model: 'openai/gpt-4.1',
    memory_blocks: [{ label: 'human', value: 'Ada plays the cello.' }],
  });
  agentId = agent.id;
});

const text = (value: string) => [{ type: 'text', text: value }] as const;
const unknownConversation = 'conv-00000000-0000-4000-8000-000000000000';
const say = async (conversationId: string, value: string): Promise<string> =>
  insertMessage(api.db, agentId, { conversation_id: conversationId, role: 'user', parts: text(value) });

it('creates, reads, lists and changes a conversation in the form of the original', async () => {
  const created = await client.conversations.create({ agent_id: agentId });
  await say(created.id, 'hi');

  const read = await client.conversations.retrieve(created.id);
  const changed = await client.conversations.update(created.id, { summary: 's1' });
  const listed = await client.conversations.list({ agent_id: agentId });

  const keys = (body: unknown): string[] => Object.keys(body as object);
  expect(keys(created)).toEqual(keys(sampleBody('conversations.create.json')));
  expect(shapeOf(created)).toEqual(shapeOf(sampleBody('conversations.create.json')));
  expect(shapeOf(read)).toEqual(shapeOf(sampleBody('conversations.retrieve.json')));
  expect(keys(changed)).toEqual(keys(sampleBody('conversations.update.json')));
  expect(changed).toMatchObject({ id: created.id, agent_id: agentId, summary: 's1' });
  expect(keys(listed[0])).toEqual(keys((sampleBody('conversations.list.json') as object[])[0]));
  expect(listed.map(({ id }) => id)).toEqual([created.id]);
});

it('a conversation has a system message of its own and shares the blocks of its agent', async () => {
  const first = await client.conversations.create({ agent_id: agentId, summary: 'first' });
  const second = await client.conversations.create({ agent_id: agentId });

  const [systemOfFirst, systemOfSecond] = await Promise.all(
    [first, second].map(
      async ({ id }) => (await client.conversations.messages.list(id)).getPaginatedItems()[0],
    ),
  );

  expect(first.summary).toBe('first');
  expect(systemOfFirst).toMatchObject({ message_type: 'system_message' });
  expect(systemOfFirst?.id).not.toBe(systemOfSecond?.id);
  expect(JSON.stringify(systemOfFirst)).toContain('Ada plays the cello.');
  expect(JSON.stringify(systemOfFirst)).toContain(first.id);
  expect((await client.conversations.retrieve(first.id)).in_context_message_ids).toEqual([systemOfFirst?.id]);
});

it("lists a conversation's messages newest first, and the agent's own thread under the name default", async () => {
  const { id } = await client.conversations.create({ agent_id: agentId });
  const ids = [await say(id, 'one'), await say(id, 'two'), await say(id, 'three')];
  const own = await say(agentId, 'own');

  const newest = await client.conversations.messages.list(id, { limit: 2 });
  const all: string[] = [];
  for await (const message of client.conversations.messages.list(id, { limit: 2, order: 'asc' }))
    all.push(message.id);
  const byAgent = await client.agents.messages.list(agentId, { conversation_id: id, order: 'asc' });
  const ownThread = await client.conversations.messages.list('default', { agent_id: agentId });

  expect(newest.getPaginatedItems().map((message) => message.id)).toEqual([ids[2], ids[1]]);
  expect(all.slice(1)).toEqual(ids);
  expect(byAgent.getPaginatedItems().map((message) => message.id)).toEqual(all);
  expect(ownThread.getPaginatedItems().at(-1)?.id).toBe(own);
  expect(ownThread.getPaginatedItems().map((message) => message.id)).not.toContain(ids[0]);
});

it('finds conversations by agent, text of the summary and page', async () => {
  const ids: string[] = [];
  for (const summary of ['alpha 100%', 'beta', 'gamma']) {
    ids.push((await client.conversations.create({ agent_id: agentId, summary })).id);
  }
  await say(ids[0] ?? '', 'the last word');
  const list = async (query: object) =>
    (await client.conversations.list({ agent_id: agentId, ...query })).map(({ id }) => id);

  expect(await list({})).toEqual([...ids].reverse());
  expect(await list({ summary_search: '100%' })).toEqual([ids[0]]);
  expect(await list({ summary_search: '%' })).toEqual([ids[0]]);
  expect(await list({ order: 'asc', limit: 1, after: ids[0] })).toEqual([ids[1]]);
  expect((await list({ order_by: 'last_message_at' }))[0]).toBe(ids[0]);
  expect(await list({ agent_id: 'agent-00000000-0000-4000-8000-000000000000' })).toEqual([]);
});

it('deletes a conversation with its messages, but not while a turn of it is under way', async () => {
  const { id } = await client.conversations.create({ agent_id: agentId });
  const message = await say(id, 'hi');
  const run = await insertRun(api.db, agentId, { conversation_id: id, status: 'running', stop_reason: null });

  const refused = await api.call('DELETE', `/v1/conversations/${id}`);
  await api.db.query(`update runs set status = 'completed' where id = $1`, [run]);
  const deleted = await api.call('DELETE', `/v1/conversations/${id}`);

  expect(refused.status).toBe(409);
  expect(refused.headers.get('x-should-retry')).toBe('false');
  expect(deleted).toMatchObject({ status: 200, body: null });
  expect((await api.call('GET', `/v1/messages/${message}`)).status).toBe(404);
  await expect(client.conversations.retrieve(id)).rejects.toThrow(NotFoundError);
  expect((await api.call('GET', `/v1/agents/${agentId}`)).status).toBe(200);
});

it('refuses what it does not know or cannot do', async () => {
  const { id } = await client.conversations.create({ agent_id: agentId });
  const status = async (method: string, path: string, body?: unknown) =>
    (await api.call(method, path, { body })).status;

  expect(await status('GET', `/v1/conversations/${unknownConversation}`)).toBe(404);
  expect(await status('PATCH', `/v1/conversations/${unknownConversation}`, { summary: 'x' })).toBe(404);
  expect(await status('DELETE', `/v1/conversations/${unknownConversation}`)).toBe(404);
  expect(await status('POST', `/v1/conversations/${unknownConversation}/messages`, { input: 'x' })).toBe(404);
  expect(await status('GET', '/v1/conversations/default')).toBe(422);
  expect(await status('GET', '/v1/conversations/nope/messages')).toBe(422);
  expect(await status('POST', '/v1/conversations/', {})).toBe(422);
  expect(
    await status('POST', `/v1/conversations/?agent_id=agent-00000000-0000-4000-8000-000000000000`, {}),
  ).toBe(404);
  expect(await status('POST', '/v1/conversations/default/messages', { input: 'x' })).toBe(400);
  expect(await status('PATCH', `/v1/conversations/${id}`, { model: 'openai/gpt-nope' })).toBe(404);
  expect(
    await status('POST', `/v1/conversations/?agent_id=${agentId}`, { isolated_block_labels: ['nope'] }),
  ).toBe(400);
  expect(await status('POST', `/v1/conversations/${id}/messages`, { messages: [], streaming: false })).toBe(
    422,
  );
  expect(await status('POST', `/v1/conversations/${unknownConversation}/fork`)).toBe(404);
});

it('a stream or a cancel of a conversation where nothing runs answers as the original does', async () => {
  const { id } = await client.conversations.create({ agent_id: agentId });
  const sampled = (name: string) => JSON.stringify(sampleBody(name)).replace(/conv-[0-9a-f-]{36}/, id);

  const stream = await api.call('POST', `/v1/conversations/${id}/stream`, { body: {} });
  const cancel = await api.call('POST', `/v1/conversations/${id}/cancel`);

  expect([stream.status, stream.text]).toEqual([400, sampled('conversations.stream.no_active.json')]);
  expect([cancel.status, cancel.text]).toEqual([409, sampled('conversations.cancel.none.json')]);
  expect(cancel.headers.get('x-should-retry')).toBe('false');
});

it('a message to a conversation starts a turn in its thread, and one to default in the own thread of the agent', async () => {
  const { id } = await client.conversations.create({ agent_id: agentId });
  const other = await client.agents.create({ model: 'openai/gpt-4.1' });
  const send = async (name: string, body: object) => {
    const response = await fetch(`${api.url}/v1/conversations/${name}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: 'hi', background: true, ...body }),
    });
    const type = response.headers.get('content-type');
    await response.body?.cancel();
    return type;
  };

  const types = [await send(id, {}), await send('default', { agent_id: agentId }), await send(other.id, {})];

  expect(types).toEqual(Array(3).fill('text/event-stream; charset=utf-8'));
  const threads = api.startedTurns.slice(-3).map((turn) => [turn.agentId, turn.conversationId]);
  expect(threads).toEqual([
    [agentId, id],
    [agentId, agentId],
    [other.id, other.id],
  ]);
});

it('a cancel of named runs says for each whether it was stopped: not what is over, unknown or of another agent', async () => {
  const other = await client.agents.create({ model: 'openai/gpt-4.1' });
  const active = await insertRun(api.db, agentId, { status: 'running', stop_reason: null });
  const over = await insertRun(api.db, agentId);
  const foreign = await insertRun(api.db, other.id, { status: 'running', stop_reason: null });
  const unknown = 'run-00000000-0000-4000-8000-000000000000';

  const answer = await client.agents.messages.cancel(agentId, { run_ids: [active, over, foreign, unknown] });

  expect(answer).toEqual({
    [active]: 'cancelled',
    [over]: 'failed',
    [foreign]: 'failed',
    [unknown]: 'failed',
  });
  const status = async (id: string) => (await client.runs.retrieve(id)).status;
  expect([await status(over), await status(foreign)]).toEqual(['completed', 'running']);
});

it('a cancel of a conversation stops what runs and what waits in it, and nothing of other threads', async () => {
  const { id } = await client.conversations.create({ agent_id: agentId });
  const thread = { conversation_id: id, stop_reason: null };
  const running = await insertRun(api.db, agentId, { ...thread, status: 'running' });
  const waiting = await insertRun(api.db, agentId, { ...thread, status: 'created' });
  const elsewhere = await insertRun(api.db, agentId, { status: 'created', stop_reason: null });

  const answer = await client.conversations.cancel(id);

  expect(answer).toEqual({ [running]: 'cancelled', [waiting]: 'cancelled' });
  expect((await client.runs.retrieve(waiting)).status).toBe('cancelled');
  expect((await client.runs.retrieve(elsewhere)).status).toBe('created');
});

it('of messages that reach a conversation at once one is taken and the others are refused in the form of the original', async () => {
  const { id } = await client.conversations.create({ agent_id: agentId });
  const send = async (input: string) => {
    const response = await fetch(`${api.url}/v1/conversations/${id}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input }),
    });
    if (response.ok) await response.body?.cancel();
    return { status: response.status, retry: response.headers.get('x-should-retry'), response };
  };

  const answers = await Promise.all(['a', 'b', 'c', 'd'].map(send));

  expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
  const refused = answers.find(({ status }) => status === 409);
  const [run] = (await client.runs.list({ conversation_id: id })).getPaginatedItems();
  const body = (await refused?.response.json()) as Record<string, string>;
  expect(Object.keys(body)).toEqual(['detail', 'run_id']);
  expect(body['run_id']).toBe(run?.id);
  expect(refused?.retry).toBeNull();
});

describe('the stream of a conversation', () => {
  it('is that of the run that is named, by id or by the otid of its message', async () => {
    const { id } = await client.conversations.create({ agent_id: agentId });
    const runs: string[] = [];
    for (const otid of ['o-1', 'o-2']) {
      const request = JSON.stringify({ messages: [{ otid }], approvals: null });
      const run = await insertRun(api.db, agentId, { conversation_id: id, request });
      await insertStep(api.db, run, agentId);
      const event = JSON.stringify({ type: 'run-end', stopReason: 'end_turn' });
      await api.db.query(`insert into run_events (run_id, seq, event) values ($1, 2, $2)`, [run, event]);
      runs.push(run);
    }
    const pingOf = async (body: object) => {
      const { text: frames } = await api.call('POST', `/v1/conversations/${id}/stream`, { body });
      expect(frames.endsWith('data: [DONE]\n\n')).toBe(true);
      return /"run_id":"([^"]+)"/.exec(frames)?.[1];
    };

    expect(await pingOf({ run_id: runs[0] })).toBe(runs[0]);
    expect(await pingOf({ otid: 'o-1' })).toBe(runs[0]);
    expect(await pingOf({ otid: 'o-2' })).toBe(runs[1]);
  });

  it('is never that of a run of another conversation', async () => {
    const { id } = await client.conversations.create({ agent_id: agentId });
    const run = await insertRun(api.db, agentId);

    const answer = await api.call('POST', `/v1/conversations/${id}/stream`, { body: { run_id: run } });

    expect(answer.status).toBe(404);
  });
});
