import Letta from '@letta-ai/letta-client';
import type { FakeOpenAi } from '../support/fake-openai';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { runPython } from '../support/python-sdk';

// The hello world of Letta's README through the unmodified SDKs, against a provider that checks what it is sent.

let fake: FakeOpenAi;
let server: LiveServer;

const connect = (): Letta => new Letta({ baseURL: server.url, apiKey: 'none' });

beforeAll(async () => {
  server = await startLiveServer();
  ({ fake } = server);
});
afterAll(() => server.stop());

const createAgent = (client: Letta, model: string) =>
  client.agents.create({
    model,
    memory_blocks: [
      { label: 'human', value: "The human's name is Chad. They like vibe coding." },
      { label: 'persona', value: 'My name is Sam, the all-knowing sentient AI.' },
    ],
    tools: ['web_search', 'fetch_webpage', 'run_code'],
  });

/** What the provider was sent since `from`: the requests of turns, as raw text. */
const sentSince = (from: number): string[] =>
  fake.requests
    .slice(from)
    .filter(({ path: route }) => /completions|responses/.test(route))
    .map(({ raw }) => raw.toString());

interface Chunk {
  readonly message_type: string;
  readonly content?: unknown;
}
async function streamed(client: Letta, agentId: string, input: string, tokens: boolean): Promise<string> {
  const stream = await client.agents.messages.create(agentId, {
    input,
    streaming: true,
    stream_tokens: tokens,
  });
  const chunks: Chunk[] = [];
  for await (const chunk of stream) chunks.push(chunk as Chunk); // as the SDK parsed them
  expect(chunks[0]?.message_type).toBe('ping');
  expect(chunks.slice(-2).map((chunk) => chunk.message_type)).toEqual(['stop_reason', 'usage_statistics']);
  return chunks
    .flatMap((chunk) => (chunk.message_type === 'assistant_message' ? [chunk.content] : []))
    .join('');
}

describe.each(['openai/gpt-4.1', 'openai/gpt-5.2'])('with %s', (model) => {
  it('the agent reads its memory, learns by a tool, and knows it in the next turn', async () => {
    const client = connect();
    const agent = await createAgent(client, model);
    const from = fake.requests.length;

    await client.agents.messages.create(agent.id, { input: 'SAY hello' });
    const taught = await client.agents.messages.create(agent.id, {
      input: 'CALL memory_replace {"label":"human","old_string":"Chad","new_string":"Ada Lovelace"}',
    });
    await client.agents.messages.create(agent.id, { input: 'SAY again' });

    const requests = sentSince(from);
    expect(requests[0]).toContain('They like vibe coding.');
    expect(requests[0]).toContain('all-knowing sentient AI');
    expect(taught.messages.map((message) => message.message_type)).toEqual(
      expect.arrayContaining(['tool_call_message', 'tool_return_message', 'assistant_message']),
    );
    expect(requests.at(-1)).toContain("The human's name is Ada Lovelace. They like vibe coding.");
    const block = await client.agents.blocks.retrieve('human', { agent_id: agent.id });
    expect(block.value).toBe("The human's name is Ada Lovelace. They like vibe coding.");
    expect(fake.problems).toEqual([]);
  });

  it('a preview shows the request that the same message then makes, and stores and sends nothing', async () => {
    const client = connect();
    const agent = await createAgent(client, model);
    await client.agents.messages.create(agent.id, { input: 'SAY hello' });
    await client.agents.blocks.update('human', { agent_id: agent.id, value: 'Edited over REST.' });
    const from = fake.requests.length;
    const stored = async () => [
      (await client.runs.list({ agent_id: agent.id })).items.length,
      (await client.agents.messages.list(agent.id)).items.map(({ id }) => id),
    ];
    const before = await stored();
    const body = { input: 'SAY two', client_tools: [{ name: 'look', description: 'Looks.' }] };

    const preview = await client.post<object>(`/v1/agents/${agent.id}/messages/preview-raw-payload`, {
      body,
    });
    const inConversation = await client.post<object>(`/v1/conversations/${agent.id}/messages/preview-raw-payload`, { body }); // prettier-ignore
    const after = await stored();
    await client.agents.messages.create(agent.id, body);

    expect(JSON.stringify(preview)).toContain('Edited over REST.');
    expect(sentSince(from).map((text) => JSON.parse(text) as object)).toEqual([preview]);
    expect(inConversation).toEqual(preview);
    expect(after).toEqual(before);
  });

  it('streams whole messages and tokens with the same text', async () => {
    const client = connect();
    const agent = await createAgent(client, model);

    await expect(streamed(client, agent.id, 'SAY one two three', false)).resolves.toBe('one two three');
    await expect(streamed(client, agent.id, 'SAY four five six', true)).resolves.toBe('four five six');
    expect(fake.problems).toEqual([]);
  });

  it('sends a prompt that only grows, with 24 h of cache and never a cache key', async () => {
    const client = connect();
    const agent = await createAgent(client, model);
    const from = fake.requests.length;

    await client.agents.messages.create(agent.id, { input: 'SAY one' });
    const edit = { agent_id: agent.id, value: 'Edited over REST.' };
    await client.agents.blocks.update('human', edit);
    await client.agents.messages.create(agent.id, { input: 'SAY two' });

    const bodies = sentSince(from).map((text) => JSON.parse(text) as Record<string, unknown>);
    const [first, second] = bodies.map((body) =>
      JSON.stringify(body['messages'] ?? body['input']).slice(0, -1),
    );
    expect(second!.startsWith(first!)).toBe(true);
    expect(second).toContain('Edited over REST.');
    expect(bodies.map((body) => body['prompt_cache_retention'])).toEqual(['24h', '24h']);
    expect(bodies.some((body) => 'prompt_cache_key' in body)).toBe(false);
  });
});

it('a new process still knows what the agent was taught', async () => {
  const agent = await createAgent(connect(), 'openai/gpt-4.1');
  await connect().agents.messages.create(agent.id, {
    input: 'CALL memory_insert {"label":"human","new_string":"Plays the cello."}',
  });

  await server.worker.kill('SIGTERM');
  await server.start('all');
  const from = fake.requests.length;
  await connect().agents.messages.create(agent.id, { input: 'SAY back' });

  expect(sentSince(from).join('')).toContain('Plays the cello.');
});

it('a model that refuses the request fails the call and leaves nothing of the turn behind', async () => {
  const client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
  const agent = await createAgent(client, 'openai/gpt-4.1');

  const failed = client.agents.messages.create(agent.id, { input: 'ERR 400' });

  await expect(failed).rejects.toMatchObject({ status: 400, error: { error: { type: 'llm_bad_request' } } });
  const { items } = await client.agents.messages.list(agent.id);
  expect(items.map((message) => message.message_type)).toEqual(['system_message']);
  const [lastRun] = (await client.runs.list({ agent_id: agent.id })).items;
  expect(lastRun).toMatchObject({ status: 'failed' });
});

it('two messages to one agent at once are answered one after the other, each by its own run', async () => {
  const client = connect();
  const agent = await createAgent(client, 'openai/gpt-4.1');

  const answers = await Promise.all(
    ['SAY first', 'SAY second', 'SAY third'].map((input) =>
      client.agents.messages.create(agent.id, { input }),
    ),
  );

  const runs = answers.map((answer) => answer.messages[0]?.run_id);
  expect(new Set(runs).size).toBe(3);
  const types: string[] = [];
  for await (const message of client.agents.messages.list(agent.id, { order: 'asc', limit: 2 })) {
    types.push(message.message_type ?? '');
  }
  const pair = ['user_message', 'assistant_message'];
  expect(types).toEqual(['system_message', ...pair, ...pair, ...pair]);
});

it('the Python SDK says hello, streams, lists and maps errors', async () => {
  expect(await runPython('hello.py', server.url)).toEqual([
    'block: They like tea.',
    'answer: Hello from Python',
    'stream: one two three',
    'listed: system_message user_message assistant_message user_message assistant_message',
    'missing: NotFoundError 404',
    'invalid: UnprocessableEntityError 422',
  ]);
  expect(fake.problems).toEqual([]);
});
