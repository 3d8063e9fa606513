import Letta from '@letta-ai/letta-client';
import { newId } from '../../new-id';
import { sampleBody } from '../support/letta-samples';
import { insertAgent, insertConversation, insertMessage } from '../support/rows';
import { startTestApi, type TestApi } from '../support/test-api';

const RECORDED_AGENT = 'agent-f8458f01-a2e4-4e69-aede-89b6d5d9ff88';
let api: TestApi;
let agentId: string;
let conversationId: string;
const own: string[] = []; // ids of the agent's own thread, oldest first

beforeAll(async () => {
  api = await startTestApi();
  await insertAgent(api.db, RECORDED_AGENT);
  agentId = await insertAgent(api.db);
  conversationId = await insertConversation(api.db, agentId);
  for (let index = 0; index < 7; index++) {
    own.push(
      await insertMessage(api.db, agentId, {
        role: 'user',
        parts: [{ type: 'text', text: `message ${index}` }],
      }),
    );
  }
});
afterAll(() => api.close());

const ids = (body: unknown): string[] => (body as { id: string }[]).map(({ id }) => id); // a list of messages
const list = async (query: string) =>
  ids((await api.call('GET', `/v1/agents/${agentId}/messages?${query}`)).body);

it('gives the newest messages oldest first, whatever it was asked to sort by', async () => {
  expect(await list('limit=3')).toEqual(own.slice(4));
  expect(await list('limit=3&order=desc')).toEqual(own.slice(4));
  expect(await list('limit=3&order=asc')).toEqual(own.slice(0, 3));
});

it('reads cursors as places in the transcript', async () => {
  expect(await list(`before=${own[4]}&limit=2`)).toEqual(own.slice(2, 4));
  expect(await list(`after=${own[1]}&before=${own[5]}&order=asc`)).toEqual(own.slice(2, 5));
  expect(await list(`after=${own[6]}`)).toEqual([]);
});

it('is read completely by the unmodified SDK, oldest first', async () => {
  const client = new Letta({ baseURL: api.url, apiKey: 'x' });
  const seen: string[] = [];

  for await (const message of client.agents.messages.list(agentId, { order: 'asc', limit: 2 })) {
    if ('id' in message) seen.push(message.id);
  }

  expect(seen).toEqual(own);
});

it('keeps conversations apart when asked to', async () => {
  const elsewhere = await insertMessage(api.db, agentId, {
    conversation_id: conversationId,
    role: 'assistant',
    parts: [{ type: 'text', text: 'elsewhere' }],
  });

  expect(await list('order=asc')).toEqual([...own, elsewhere]);
  expect(await list('conversation_id=default')).toEqual(own);
  expect(await list(`conversation_id=${conversationId}`)).toEqual([elsewhere]);
  expect(await list(`conversation_id=${newId('conv')}`)).toEqual([]);
  expect(ids((await api.call('GET', `/v1/messages/?conversation_id=${conversationId}`)).body)).toEqual([
    elsewhere,
  ]);
  expect(ids((await api.call('GET', '/v1/messages/?limit=1')).body)).toEqual([elsewhere]);
});

it('counts stored messages, not the items they are shown as, and shows one message as all of its items', async () => {
  const other = await insertAgent(api.db);
  const parts = [
    { type: 'reasoning', text: 'hm', signature: null },
    { type: 'text', text: 'é' },
    { type: 'tool_call', id: 'call_1', name: 'look', arguments: '{"a":"é"}' },
  ] as const;
  const id = await insertMessage(api.db, other, { role: 'assistant', parts });

  const { body } = await api.call('GET', `/v1/agents/${other}/messages?limit=1`);
  const types =
    '&include_return_message_types=tool_call_message&include_return_message_types=reasoning_message';
  const some = await api.call('GET', `/v1/agents/${other}/messages?limit=1${types}`);

  expect(body).toMatchObject([
    { reasoning: 'hm' },
    { content: 'é' },
    { tool_call: { arguments: '{"a": "\\u00e9"}' } },
  ]);
  expect(ids(body)).toEqual([id, id, id]);
  expect(some.body).toMatchObject([
    { message_type: 'reasoning_message' },
    { message_type: 'tool_call_message' },
  ]);
  expect((await api.call('GET', `/v1/messages/${id}`)).body).toEqual(body);
});

it('knows no cursor of another agent, and says so as the original does', async () => {
  const cursor = 'message-00000000-0000-4000-8000-000000000000';
  const path = `/v1/agents/${RECORDED_AGENT}/messages`;

  const unknown = await api.call('GET', `${path}?before=${cursor}`);
  const foreign = await api.call('GET', `${path}?after=${own[0]}`);

  expect(unknown).toMatchObject({
    status: 404,
    body: sampleBody('err.agents.messages.list.bad_cursor.json'),
  });
  expect(foreign.status).toBe(404);
});

it('refuses what the original would not understand, and lets a tool of the reader’s choice speak', async () => {
  const status = async (query: string) =>
    (await api.call('GET', `/v1/agents/${agentId}/messages?${query}`)).status;
  expect(await status('include_return_message_types=nope')).toBe(422);
  expect(await status('order_by=name')).toBe(422);
  expect(await status('order_by=created_at&include_return_message_types=user_message')).toBe(200);

  const agent = await insertAgent(api.db);
  const call = { type: 'tool_call', id: 'c', name: 'reply', arguments: '{"text":"Hello."}' } as const;
  await insertMessage(api.db, agent, { role: 'assistant', parts: [call] });
  const spoken = `assistant_message_tool_name=reply&assistant_message_tool_kwarg=text`;

  const { body } = await api.call('GET', `/v1/agents/${agent}/messages?${spoken}`);

  expect(body).toMatchObject([{ message_type: 'assistant_message', content: 'Hello.' }]);
});
