import Letta from '@letta-ai/letta-client';
import type { FakeOpenAi } from '../support/fake-openai';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { until } from '../support/started';

// One test for each route that sends messages, through the method of the unmodified SDK.

let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;
let agentId: string;

beforeAll(async () => {
  server = await startLiveServer();
  ({ fake } = server);
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
  agentId = (await client.agents.create({ model: 'openai/gpt-4.1' })).id;
});
afterAll(() => server.stop());
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

interface Shown {
  readonly message_type: string;
  readonly seq_id?: number | null;
  readonly run_id?: string | null;
  readonly content?: unknown;
}
const collect = async (stream: AsyncIterable<unknown>): Promise<Shown[]> => {
  const events: Shown[] = [];
  for await (const event of stream) events.push(event as Shown); // as the SDK parsed them
  return events;
};
const textOf = (events: readonly Shown[]): string =>
  events.flatMap((event) => (event.message_type === 'assistant_message' ? [event.content] : [])).join('');

it('a message is answered with the reply, why it stopped and what it cost', async () => {
  const answer = await client.agents.messages.create(agentId, { input: 'SAY Hello Ada' });

  expect(answer.messages).toMatchObject([{ message_type: 'assistant_message', content: 'Hello Ada' }]);
  expect(answer.stop_reason.stop_reason).toBe('end_turn');
  expect(answer.usage).toMatchObject({ step_count: 1 });
});

it('the older stream route sends the reply token by token between a ping and the end', async () => {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- older programs call it
  const stream = await client.agents.messages.stream(agentId, {
    messages: [{ role: 'user', content: 'SAY one two three' }],
    stream_tokens: true,
  });

  const events = await collect(stream);
  expect(events[0]).toMatchObject({ message_type: 'ping' });
  expect(textOf(events)).toBe('one two three');
  expect(events.slice(-2)).toMatchObject([
    { message_type: 'stop_reason', stop_reason: 'end_turn' },
    { message_type: 'usage_statistics', step_count: 1 },
  ]);
});

it('an async message answers with its run, which completes by itself', async () => {
  const run = await client.agents.messages.createAsync(agentId, { input: 'SAY later' });

  expect(run).toMatchObject({ agent_id: agentId, background: true });
  await until(async () => (await client.runs.retrieve(run.id)).status === 'completed');
  const messages = (await client.runs.messages.list(run.id)).getPaginatedItems();
  expect(messages).toMatchObject([{ message_type: 'user_message' }, { content: 'later' }]);
});

it('cancelling ends the run in progress, and says failed for a run that is over', async () => {
  const over = await client.agents.messages.createAsync(agentId, { input: 'SAY done' });
  await until(async () => (await client.runs.retrieve(over.id)).status === 'completed');
  const before = fake.count;
  const run = await client.agents.messages.createAsync(agentId, { input: 'DELAY 20000\nSAY never' });
  await until(() => fake.count > before);

  const answer = await client.agents.messages.cancel(agentId, { run_ids: [run.id, over.id] });

  expect(answer).toEqual({ [run.id]: 'cancelled', [over.id]: 'failed' });
  await until(async () => (await client.runs.retrieve(run.id)).status === 'cancelled');
  expect((await client.runs.retrieve(over.id)).status).toBe('completed');
});

it('a background stream is picked up after any of its frames', async () => {
  const stream = await client.agents.messages.create(agentId, {
    input: `SAY ${'a long reply of many parts '.repeat(5)}`,
    streaming: true,
    stream_tokens: true,
    background: true,
  });
  const events = await collect(stream);
  const runId = events[0]?.run_id ?? '';

  const rest = await collect(await client.runs.messages.stream(runId, { starting_after: 3 }));

  expect(events.slice(0, 4).map(({ seq_id }) => seq_id)).toEqual([1, 2, 3, 4]);
  expect(rest).toEqual(events.slice(3));
  expect(await collect(await client.runs.messages.stream(runId, { starting_after: 1000 }))).toEqual([]);
});

it('what a client says in the role of the assistant is kept, and is no part of the answer', async () => {
  const answer = await client.agents.messages.create(agentId, {
    messages: [
      { role: 'assistant', content: 'I said so.' },
      { role: 'user', content: 'SAY And now?' },
    ],
  });

  expect(answer.messages).toMatchObject([{ message_type: 'assistant_message', content: 'And now?' }]);
  expect(JSON.stringify(fake.requests.at(-1)!.body)).toContain('I said so.');
});

it('takes words and digits for booleans and numbers, and an empty list of types for no wish', async () => {
  const answer = await client.agents.messages.create(agentId, {
    input: 'SAY Understood.',
    max_steps: '3' as unknown as number,
    stream_tokens: 'false' as unknown as false,
    include_return_message_types: [],
  });

  expect(answer.messages).toMatchObject([{ content: 'Understood.' }]);
});

it('an agent that clears its buffer reads its memory and this turn, and nothing of earlier ones', async () => {
  const { id } = await client.agents.create({
    model: 'openai/gpt-4.1',
    message_buffer_autoclear: true,
    memory_blocks: [{ label: 'human', value: 'Plays the cello.' }],
  });
  const write = { label: 'human', insert_line: -1, new_string: 'Sings too.' };
  await client.agents.messages.create(id, { input: `CALL memory_insert ${JSON.stringify(write)}` });

  await client.agents.messages.create(id, {
    input: 'CALL conversation_search {"query":"x"}\nTHEN\nSAY Done.',
  });

  const read = JSON.stringify(fake.requests.at(-1)!.body);
  expect(read).toContain('conversation_search {');
  expect(read).toContain('Sings too.');
  expect(read).not.toContain('CALL memory_insert');
  const listed = await client.agents.messages.list(id, { order: 'asc' });
  expect(JSON.stringify(listed.items)).toContain('CALL memory_insert');
});

it('a request that allows no steps ends at once and leaves nothing behind', async () => {
  const before = fake.requests.length;

  const answer = await client.agents.messages.create(agentId, { input: 'SAY never', max_steps: 0 });
  const stream = await client.agents.messages.create(agentId, {
    input: 'SAY never',
    max_steps: -1,
    streaming: true,
  });
  const events = await collect(stream);

  expect(answer).toMatchObject({
    messages: [],
    stop_reason: { stop_reason: 'end_turn' },
    usage: { step_count: 0 },
  });
  expect(events.map(({ message_type: type }) => type)).toEqual(['ping', 'stop_reason', 'usage_statistics']);
  expect(fake.requests).toHaveLength(before);
  const listed = await client.agents.messages.list(agentId, { limit: 1 });
  expect(JSON.stringify(listed.items)).not.toContain('SAY never');
});
