import Letta from '@letta-ai/letta-client';
import type { FakeOpenAi } from '../support/fake-openai';
import { startLiveServer, type LiveServer } from '../support/live-server';

// Agents that speak by a tool, and what their memory tools do, through the unmodified SDK.

let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;

beforeAll(async () => {
  server = await startLiveServer();
  ({ fake } = server);
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.stop());
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

const create = (agentType: 'memgpt_agent' | 'memgpt_v2_agent') =>
  client.agents.create({
    agent_type: agentType,
    model: 'openai/gpt-4.1',
    memory_blocks: [{ label: 'human', value: 'nothing yet' }],
  });
const SPEAK = 'CALL send_message {"message":"Hello from a tool."}';

it.each([
  [
    'memgpt_agent',
    [
      'conversation_search',
      'core_memory_append',
      'core_memory_replace',
      'memory',
      'memory_apply_patch',
      'send_message',
    ],
  ],
  ['memgpt_v2_agent', ['conversation_search', 'memory_insert', 'memory_replace', 'send_message']],
] as const)('%s has the tools and the first messages of the original', async (type, tools) => {
  const agent = await create(type);

  const listed = await client.agents.tools.list(agent.id, { limit: 50 });
  expect(listed.items.map(({ name }) => name).sort()).toEqual(tools);
  expect(agent.message_ids).toHaveLength(4);
});

it('what such an agent says by its tool is its answer, and ends its turn', async () => {
  const agent = await create('memgpt_v2_agent');

  const answer = await client.agents.messages.create(agent.id, { input: `THINK I greet.\n${SPEAK}` });

  expect(answer.messages.map(({ message_type: type }) => type)).toEqual([
    'reasoning_message',
    'assistant_message',
  ]);
  expect(answer.messages[1]).toMatchObject({ content: 'Hello from a tool.' });
  expect(answer.stop_reason.stop_reason).toBe('end_turn');
  expect(answer.usage.step_count).toBe(1);
  const again = await client.agents.messages.create(agent.id, { input: SPEAK });
  expect(again.messages).toHaveLength(1);
});

it('what it says streams token by token as text', async () => {
  const agent = await create('memgpt_v2_agent');

  const stream = await client.agents.messages.create(agent.id, {
    input: SPEAK,
    streaming: true,
    stream_tokens: true,
  });
  const said: string[] = [];
  const types = new Set<string>();
  for await (const event of stream) {
    types.add(String(event.message_type));
    if (event.message_type === 'assistant_message') said.push(event.content as string);
  }

  expect(said.length).toBeGreaterThan(1);
  expect(said.join('')).toBe('Hello from a tool.');
  expect([...types].sort()).toEqual(['assistant_message', 'ping', 'stop_reason', 'usage_statistics']);
});

it('the memory tools create, rename and delete blocks, and the model of another turn hears of its own edits once', async () => {
  const agent = await create('memgpt_agent');
  const patch =
    '*** Add Block: todo\n+buy milk\n*** Update Block: plans\n*** Move to: goals\n@@\n-travel\n+travel far';
  const calls = [
    { command: 'create', path: '/memories/plans', file_text: 'travel', description: 'Plans.' },
    { command: 'delete', path: '/memories/human' },
  ].map((args) => `CALL memory ${JSON.stringify(args)}`);
  calls.push(`CALL memory_apply_patch ${JSON.stringify({ label: '', patch })}`);

  await client.agents.messages.create(agent.id, { input: [...calls, SPEAK].join('\nTHEN\n') });

  const blocks = await client.agents.blocks.list(agent.id);
  expect(blocks.items.map(({ label, value }) => [label, value]).sort()).toEqual([
    ['goals', 'travel far'],
    ['todo', 'buy milk'],
  ]);
  await client.agents.messages.create(agent.id, { input: SPEAK });
  expect(JSON.stringify(fake.requests.at(-1)!.body)).not.toContain('<memory_update>');
});

it('to have spoken ends the turn of an agent without rules too', async () => {
  const agent = await client.agents.create({
    agent_type: 'memgpt_v2_agent',
    model: 'openai/gpt-4.1',
    include_base_tool_rules: false,
  });
  expect(agent.tool_rules).toEqual([]);

  const answer = await client.agents.messages.create(agent.id, { input: SPEAK });

  expect(answer.messages.map(({ message_type: type }) => type)).toEqual(['assistant_message']);
  expect(answer.usage.step_count).toBe(1);
});

describe('to a client that wants no assistant messages', () => {
  const wanted = ['tool_call_message', 'tool_return_message'];
  const typesOf = (items: readonly { readonly message_type?: string | null }[]) =>
    items.map(({ message_type: type }) => type).filter((type) => wanted.includes(type ?? ''));
  const ask = { input: SPEAK, use_assistant_message: false } as const;

  it('what the agent says is shown as the call that it is, in answers and lists', async () => {
    const agent = await create('memgpt_v2_agent');

    const answer = await client.agents.messages.create(agent.id, ask);

    expect(answer.messages.map(({ message_type: type }) => type)).toEqual(wanted);
    expect(answer.messages[0]).toMatchObject({ tool_call: { name: 'send_message' } });
    expect(answer.stop_reason.stop_reason).toBe('end_turn');
    const after = agent.message_ids!.at(-1)!;
    const calls = await client.agents.messages.list(agent.id, { after, use_assistant_message: false });
    expect(calls.items.map(({ message_type: type }) => type)).toEqual(['user_message', ...wanted]);
    const texts = await client.agents.messages.list(agent.id, { after });
    expect(texts.items.map(({ message_type: type }) => type)).toEqual(['user_message', 'assistant_message']);
  });

  it.each([true, false])('it streams so, tokens: %s, and a replay is the same', async (stream_tokens) => {
    const agent = await create('memgpt_v2_agent');
    const body = { ...ask, streaming: true, background: true, stream_tokens } as const;

    const first = [];
    for await (const event of await client.agents.messages.create(agent.id, body)) first.push(event);
    const { run_id: runId } = first[0] as { run_id: string };
    const again = [];
    for await (const event of await client.runs.messages.stream(runId, {})) again.push(event);

    expect(new Set(typesOf(first))).toEqual(new Set(wanted));
    expect(again).toEqual(first);
  });
});
