import Letta from '@letta-ai/letta-client';
import type { FakeOpenAi } from '../support/fake-openai';
import { runPython } from '../support/python-sdk';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import { until } from '../support/started';

// Conversations of an agent through the unmodified SDKs.

let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;
let agentId: string;

beforeAll(async () => {
  server = await startLiveServer({ roles: SPLIT });
  ({ fake } = server);
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.stop());
beforeEach(async () => {
  const memory_blocks = [{ label: 'human', value: 'nothing known' }];
  agentId = (await client.agents.create({ model: 'openai/gpt-4.1', memory_blocks })).id;
});
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

interface Shown {
  readonly message_type: string;
  readonly content?: unknown;
  readonly run_id?: string;
  readonly seq_id?: number | null;
}
async function collect(stream: AsyncIterable<unknown>): Promise<Shown[]> {
  const events: Shown[] = [];
  for await (const event of stream) events.push(event as Shown); // as the SDK parsed them
  return events;
}
const said = (events: readonly Shown[]): string =>
  events.flatMap((event) => (event.message_type === 'assistant_message' ? [event.content] : [])).join('');
const open = async (): Promise<string> => (await client.conversations.create({ agent_id: agentId })).id;
const say = async (conversationId: string, content: string, fields: object = {}): Promise<Shown[]> =>
  collect(
    await client.conversations.messages.create(conversationId, {
      messages: [{ role: 'user', content }],
      stream_tokens: true,
      ...fields,
    }),
  );
/** A blocking message; the SDK takes every answer of this route for a stream, so it goes out by hand. */
const block = (conversationId: string, body: object) =>
  client.post<{ messages: Shown[]; stop_reason: { stop_reason: string } }>(
    `/v1/conversations/${conversationId}/messages`,
    { body: { streaming: false, ...body } },
  );
const untilAsked = async (count: number): Promise<void> => until(() => fake.count >= count);

it('conversations keep their own transcripts and share the memory of their agent', async () => {
  const [one, two] = [await open(), await open()];

  await say(
    one,
    'CALL memory_replace {"label":"human","old_string":"nothing known","new_string":"Likes tea."}',
  );
  const events = await say(two, 'SAY I know');
  const read = JSON.stringify(fake.requests.at(-1)?.body['messages']);
  const blocking = await block(one, { input: 'SAY still one' });

  expect(events[0]?.message_type).toBe('ping');
  expect(said(events)).toBe('I know');
  expect(read).toContain('Likes tea.');
  expect(read).not.toContain('memory_replace {');
  expect(events.slice(-2).map((event) => event.message_type)).toEqual(['stop_reason', 'usage_statistics']);
  expect(blocking).toMatchObject({
    messages: [{ content: 'still one' }],
    stop_reason: { stop_reason: 'end_turn' },
  });
  const texts = async (id: string) =>
    JSON.stringify((await client.conversations.messages.list(id)).getPaginatedItems());
  expect(await texts(two)).not.toContain('memory_replace');
  expect(await texts(one)).toContain('still one');
  expect(JSON.stringify(fake.requests.at(-1)?.body['messages'])).not.toContain('SAY I know');
  const own = (
    await client.agents.messages.list(agentId, { conversation_id: 'default' })
  ).getPaginatedItems();
  expect(own.map((message) => message.message_type)).toEqual(['system_message']);
});

it('default is the own thread of the agent', async () => {
  await collect(
    await client.conversations.messages.create('default', {
      agent_id: agentId,
      messages: [{ role: 'user', content: 'SAY in my own thread' }],
    }),
  );
  const listed = await client.conversations.messages.list('default', { agent_id: agentId });
  const same = await client.agents.messages.list(agentId);

  expect(listed.getPaginatedItems()).toEqual(same.getPaginatedItems());
  expect(JSON.stringify(listed.getPaginatedItems())).toContain('in my own thread');
});

it('two conversations of an agent run at the same time', async () => {
  const [one, two] = [await open(), await open()];
  const before = fake.count;

  const slow = say(one, 'DELAY 3000\nSAY slow');
  await untilAsked(before + 1);
  expect(said(await say(two, 'SAY quick'))).toBe('quick');

  const [run] = (await client.runs.list({ conversation_id: one })).getPaginatedItems();
  expect(run?.status).toBe('running');
  expect(said(await slow)).toBe('slow');
});

it('a message to a conversation that is busy is refused with the run that is in progress', async () => {
  const id = await open();
  const before = fake.count;
  const slow = say(id, 'DELAY 1500\nSAY slow');
  await untilAsked(before + 1);

  const refused = say(id, 'SAY too soon');

  await expect(refused).rejects.toMatchObject({ status: 409 });
  const [run, ...others] = (await client.runs.list({ conversation_id: id })).getPaginatedItems();
  await expect(refused).rejects.toMatchObject({ error: { run_id: run?.id } });
  expect(others).toEqual([]);
  expect(said(await slow)).toBe('slow');
});

it('a stream is picked up by run, by otid, or as the one in progress; without one there is nothing to stream', async () => {
  const id = await open();
  const before = fake.count;
  const messages = [{ role: 'user' as const, content: 'DELAY 800\nSAY picked up', otid: 'otid-1' }];
  const sent = collect(await client.conversations.messages.create(id, { messages, background: true }));
  await untilAsked(before + 1);

  const active = await collect(await client.conversations.messages.stream(id));
  const events = await sent;
  const byRun = await collect(
    await client.conversations.messages.stream(id, { run_id: events[0]?.run_id ?? '' }),
  );
  const rest = await collect(
    await client.conversations.messages.stream(id, { otid: 'otid-1', starting_after: 1 }),
  );

  expect(said(events)).toBe('picked up');
  expect(events[0]?.seq_id).toBe(1);
  expect(active).toEqual(events);
  expect(byRun).toEqual(events);
  expect(rest).toEqual(events.slice(1));
  await expect(client.conversations.messages.stream(id)).rejects.toMatchObject({ status: 400 });
});

it('a cancel ends what runs in its conversation and nothing else, and says when nothing runs', async () => {
  const [one, two] = [await open(), await open()];
  const before = fake.count;
  const stopped = say(one, 'DELAY 20000\nSAY never');
  const goesOn = say(two, 'DELAY 1500\nSAY goes on');
  await untilAsked(before + 2);
  const [run] = (await client.runs.list({ conversation_id: one })).getPaginatedItems();

  const answer = await client.conversations.cancel(one);

  expect(answer).toEqual({ [run?.id ?? '']: 'cancelled' });
  expect(await stopped).toContainEqual(expect.objectContaining({ stop_reason: 'cancelled' }));
  expect(said(await goesOn)).toBe('goes on');
  await expect(client.conversations.cancel(one)).rejects.toMatchObject({ status: 409 });
  expect(said(await say(one, 'SAY again'))).toBe('again');
});

it('the Python SDK creates, streams, lists, cancels and deletes a conversation', async () => {
  expect(await runPython('sent_again.py', 'conversation', server.url, agentId)).toEqual([
    'created: from Python True',
    'streamed: one two',
    'listed: system_message user_message assistant_message',
    'cancel: 409',
    'left: 0',
  ]);
});
