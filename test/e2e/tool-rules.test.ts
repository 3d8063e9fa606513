import Letta from '@letta-ai/letta-client';
import type { FakeOpenAi } from '../support/fake-openai';
import { sampleBody } from '../support/letta-samples';
import { startLiveServer, type LiveServer } from '../support/live-server';

// Rules as agents live by them: what the model is offered and forced to, and what a call outside of that comes to.

let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;

beforeAll(async () => {
  server = await startLiveServer();
  ({ fake } = server);
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.stop());

const TOOLS = ['memory_insert', 'memory_replace', 'conversation_search', 'web_search', 'run_code'];
type Rules = NonNullable<Letta.AgentCreateParams['tool_rules']>;
const agentWith = (tool_rules: Rules) =>
  client.agents.create({
    model: 'openai/gpt-4.1',
    include_base_tools: false,
    include_base_tool_rules: false,
    tools: TOOLS,
    memory_blocks: [{ label: 'notes', value: 'n' }],
    tool_rules,
  });
/** Runs a turn; tells its tool results, its stop reason and, per model call, which tools were offered and how. */
async function turn(agentId: string, input: string) {
  const from = fake.requests.length;
  const { messages, stop_reason } = await client.agents.messages.create(agentId, { input });
  const asked = fake.requests.slice(from).map(({ raw }) => {
    const {
      tools = [],
      tool_choice,
      ...rest
    } = JSON.parse(raw.toString()) as {
      tools?: { name?: string; function?: { name: string } }[];
      tool_choice?: unknown;
    };
    return {
      offered: tools.map((tool) => tool.function?.name ?? tool.name),
      choice: tool_choice,
      text: JSON.stringify(rest),
    };
  });
  const results = messages.flatMap((message) =>
    message.message_type === 'tool_return_message' ? [message.tool_returns?.[0]?.tool_return] : [],
  );
  return { results, stop: stop_reason.stop_reason, asked, messages };
}
const insert = (text: string) => `CALL memory_insert {"label":"notes","new_string":"${text}"}`;
const search = 'CALL conversation_search {"query":"q"}';

it('a tool the agent does not have is refused in the recorded words, and the turn goes on', async () => {
  const recorded = sampleBody('messages.create.unknown_tool.json') as {
    messages: { tool_return?: string; status?: string }[];
  };
  const agent = await agentWith([]);

  const { results, stop } = await turn(agent.id, 'CALL no_such_tool {"a":1}');

  expect(results).toEqual([recorded.messages[1]?.tool_return]);
  expect(stop).toBe('end_turn');
});

it('run_first is the only tool of the first call, forced, with its arguments; later all are there', async () => {
  const agent = await agentWith([
    { type: 'run_first', tool_name: 'memory_insert', args: { new_string: 'by the rule' } },
  ]);

  const { results, asked } = await turn(agent.id, `${insert('by the model')}\nTHEN\n${search}`);

  expect(asked[0]?.offered).toEqual(['memory_insert']);
  expect(JSON.stringify(asked[0]?.choice)).toContain('memory_insert');
  expect(asked[1]?.offered).toHaveLength(TOOLS.length);
  expect(asked[1]?.choice).toBe('auto');
  expect(results[0]).toBe('n\nby the rule');
});

it('a call outside of what run_first allows is refused, and the first call is still to be made', async () => {
  const agent = await agentWith([{ type: 'run_first', tool_name: 'memory_insert' }]);

  const { results, asked } = await turn(agent.id, `${search}\nTHEN\n${insert('x')}`);

  expect(results[0]).toBe(
    "[ToolConstraintError] Cannot call conversation_search, valid tools include: ['memory_insert'].",
  );
  expect(asked[1]?.offered).toEqual(['memory_insert']);
  expect(results[1]).toBe('n\nx');
});

it('an exit tool waits for a required one, and the model reads which', async () => {
  const agent = await agentWith([
    { type: 'exit_loop', tool_name: 'memory_insert' },
    { type: 'required_before_exit', tool_name: 'conversation_search' },
  ]);

  const { asked, stop, messages } = await turn(
    agent.id,
    `${insert('x')}\nTHEN\n${search}\nTHEN\n${insert('y')}\nTHEN\nSAY never`,
  );

  expect(asked).toHaveLength(3);
  expect(asked[0]?.text).not.toContain('these tools must be called first');
  expect(asked[1]?.text).toContain('these tools must be called first: conversation_search');
  expect(stop).toBe('tool_rule');
  expect(JSON.stringify(messages)).not.toContain('these tools must be called first');
});

it('an exit tool that fails ends the turn as well', async () => {
  const agent = await agentWith([{ type: 'exit_loop', tool_name: 'memory_insert' }]);

  const { results, stop, asked } = await turn(
    agent.id,
    'CALL memory_insert {"label":"none","new_string":"x"}',
  );

  expect(results[0]).toContain('none');
  expect(stop).toBe('tool_rule');
  expect(asked).toHaveLength(1);
});

it('a rule that fixes arguments which do not fit the tool ends the turn, and the next one begins', async () => {
  const agent = await agentWith([{ type: 'run_first', tool_name: 'memory_insert', args: { label: 5 } }]);

  const { results, stop, asked } = await turn(agent.id, `${insert('x')}\nTHEN\nSAY never`);

  expect(results).toEqual([
    expect.stringMatching(/^Invalid prefilled tool arguments from tool rules: .*label/),
  ]);
  expect([stop, asked.length]).toEqual(['invalid_tool_call', 1]);
  expect((await client.runs.list({ agent_ids: [agent.id] })).items[0]).toMatchObject({ status: 'failed' });
  await client.agents.update(agent.id, { tool_rules: [] });
  expect((await turn(agent.id, 'SAY hello')).stop).toBe('end_turn');
});

it('children follow their parent, forced, and with rules a reply is one call', async () => {
  const agent = await agentWith([
    {
      type: 'constrain_child_tools',
      tool_name: 'memory_insert',
      children: ['memory_replace', 'conversation_search'],
    },
  ]);

  const { results, asked } = await turn(agent.id, `${insert('x')}\n${search}\nTHEN\n${search}`);

  expect(results).toHaveLength(2);
  expect(asked[1]?.offered.sort()).toEqual(['conversation_search', 'memory_replace']);
  expect(asked[1]?.choice).toBe('required');
  expect(asked[2]?.choice).toBe('auto');
});

it('max_count_per_step takes a tool away once it was called so often, until the next turn', async () => {
  const agent = await agentWith([
    { type: 'max_count_per_step', tool_name: 'memory_insert', max_count_limit: 1 },
  ]);

  const first = await turn(agent.id, `${insert('x')}\nTHEN\n${insert('y')}`);
  const next = await turn(agent.id, 'SAY hi');

  expect(first.results[1]).toMatch(
    /^\[ToolConstraintError\] Cannot call memory_insert, valid tools include: /,
  );
  expect(first.asked[1]?.offered).not.toContain('memory_insert');
  expect(next.asked[0]?.offered).toContain('memory_insert');
});
