import { Client, Connection } from '@temporalio/client';
import Letta from '@letta-ai/letta-client';
import { randomBytes } from 'node:crypto';
import { turnWorkflowId } from '../../domain/turn';
import type { FakeOpenAi, FakeReply, FakeRequest } from '../support/fake-openai';
import { directiveScript } from '../support/fake-openai-script';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { testTemporalAddress, type TestDatabase } from '../support/stack';
import { until } from '../support/started';

// Turns that go wrong in every way a model or a tool can. Each ends within its limits and says why, nothing large reaches
// Temporal, and the agent answers the next message.

const LARGEST_EVENT = 256 * 1024;
const EVENT_STREAM = { 'content-type': 'text/event-stream' };

/** What the model says to a message that names it; later requests of the same turn are answered with a text. */
const POISON: Readonly<Record<string, FakeReply>> = {
  'model fails': { error: { status: 500 } },
  'stream is malformed': { error: { status: 200, body: 'data: {"id": nothing}\n\n', headers: EVENT_STREAM } },
  'reply is empty': {},
  'error cannot be stored': { error: { status: 400, body: { error: { message: 'zero \u0000 in it' } } } },
  'arguments are no JSON': { toolCalls: [{ name: 'fine', arguments: '{"text": "half' }] },
  'arguments are huge': { toolCalls: [{ name: 'fine', arguments: JSON.stringify({ text: 'y'.repeat(5 * 1024 * 1024) }) }], chunkSize: 1024 * 1024 }, // prettier-ignore
  'calls are many': { toolCalls: Array.from({ length: 2_000 }, () => ({ name: 'fine', arguments: '{}' })) },
  'name is odd': { toolCalls: [{ name: `no\u0000${'\u0001'.repeat(200)}`, id: 'call_\u0000', arguments: '{"\u0000": 1}' }] }, // prettier-ignore
  'id is long': {
    toolCalls: [{ name: 'fine', id: `call_${randomBytes(6_000).toString('base64')}`, arguments: '{}' }],
  },
  'usage is nonsense': {
    text: 'counted badly',
    usage: { prompt_tokens: 'many', completion_tokens: 1e12, total_tokens: -1.5 },
  },
};
const SENT_ONCE = Object.keys(POISON).filter((name) => POISON[name]?.toolCalls);

function script(request: FakeRequest): FakeReply {
  const asked = request.turns.findLast(({ role }) => role === 'user')?.text ?? '';
  const poison = POISON[asked];
  if (!poison) return directiveScript(request);
  if (SENT_ONCE.includes(asked) && request.turns.at(-1)?.role !== 'user') return { text: 'Saw it.' };
  return poison;
}

let database: TestDatabase;
let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;
let temporal: Client;

beforeAll(async () => {
  server = await startLiveServer({
    script,
    env: { TEST_TOOL_LIMIT_MS: '1000' },
    program: 'test/support/serve-poison-tools.ts',
  });
  ({ database, fake } = server);
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
  temporal = new Client({ connection: await Connection.connect({ address: testTemporalAddress() }) });
});
afterAll(async () => {
  await server.stop();
  await temporal.connection.close();
});

interface Ended {
  readonly agentId: string;
  readonly status: string | null | undefined;
  readonly stopReason: string | null | undefined;
  readonly returns: readonly { readonly status: string; readonly text: string; readonly unknown: boolean }[];
}

/** Sends the message to an agent of its own, waits until its run is over and sends a further one, which is answered. */
async function poisoned(
  content: string,
  { tools = ['fine'], ...options }: { tools?: string[]; max_steps?: number } = {},
): Promise<Ended> {
  const agent = await client.agents.create({
    model: 'openai/gpt-4.1',
    model_settings: { provider_type: 'openai', parallel_tool_calls: true },
    memory_blocks: [],
    tools,
    include_base_tools: false,
  });
  const { id } = await client.agents.messages.createAsync(agent.id, {
    messages: [{ role: 'user', content }],
    ...options,
  });
  let run = await client.runs.retrieve(id);
  await until(
    async () => {
      run = await client.runs.retrieve(id);
      return run.status !== 'created' && run.status !== 'running';
    },
    60_000,
    () => `the run of "${content}" is ${String(run.status)}`,
  );
  const returns = await toolReturns(agent.id);
  const history = await temporal.workflow.getHandle(turnWorkflowId(agent.id)).fetchHistory();
  const sizes = (history.events ?? []).map((event) => JSON.stringify(event).length);
  expect(Math.max(...sizes)).toBeLessThan(LARGEST_EVENT);

  const next = await client.agents.messages.create(agent.id, {
    messages: [{ role: 'user', content: 'SAY still here' }],
  });
  expect(next.stop_reason.stop_reason).toBe('end_turn');
  expect(next.messages.at(-1)).toMatchObject({ content: 'still here' });
  expect(fake.problems).toEqual([]);
  // An end that no test expects says why.
  const status = run.status === 'failed' ? `failed: ${JSON.stringify(run.metadata)}` : run.status;
  return { agentId: agent.id, status, stopReason: run.stop_reason, returns };
}

async function toolReturns(agentId: string): Promise<Ended['returns']> {
  const page = await client.agents.messages.list(agentId, { limit: 1000 });
  return page.getPaginatedItems().flatMap((message) => {
    if (message.message_type !== 'tool_return_message') return [];
    const unknown = 'effect_status' in message;
    return (message.tool_returns ?? []).map((each) => ({
      status: each.status,
      text: typeof each.tool_return === 'string' ? each.tool_return : JSON.stringify(each.tool_return),
      unknown,
    }));
  });
}

it.each([
  ['model fails', 'llm_api_error'],
  ['stream is malformed', 'invalid_llm_response'],
  ['reply is empty', 'invalid_llm_response'],
  ['error cannot be stored', 'llm_api_error'],
])('a turn whose %s ends as failed (%s)', async (content, stopReason) => {
  expect(await poisoned(content)).toMatchObject({
    status: expect.stringMatching(/^failed: /),
    stopReason,
    returns: [],
  });
});

it.each([
  ['once', true],
  ['idempotent', true],
  ['read', false],
])('a tool of class %s that hangs for ever is given up at its limit', async (effects, isUnknown) => {
  const tool = `hang_${effects}`;

  const { status, stopReason, returns } = await poisoned(`CALL ${tool} {}`, { tools: [tool] });

  expect({ status, stopReason }).toEqual({ status: 'completed', stopReason: 'end_turn' });
  expect(returns).toMatchObject([{ status: 'error', unknown: isUnknown }]);
  expect(returns[0]!.text).toMatch(isUnknown ? /unknown/ : /not.*completed|no result/);
});

it.each(['flood', 'flood_error'])('50 MB that a tool brings (%s) are cut to its limit', async (tool) => {
  const { status, returns } = await poisoned(`CALL ${tool} {}`, { tools: [tool] });

  expect(status).toBe('completed');
  expect(returns[0]!.text.length).toBeLessThan(60_000);
  expect(returns[0]!.text).toContain('function output was truncated');
  const { rows } = await database.pool.query<{ size: number }>(
    `select max(octet_length(parts::text)) as size from messages where role = 'tool'`,
  );
  expect(rows[0]!.size).toBeLessThan(200_000);
});

it('arguments that are not JSON are told to the model', async () => {
  const { status, returns } = await poisoned('arguments are no JSON');

  expect(status).toBe('completed');
  expect(returns).toMatchObject([{ status: 'error', text: expect.stringContaining('not valid JSON') }]);
});

it('arguments of 5 MB are neither run nor kept', async () => {
  const { status, agentId, returns } = await poisoned('arguments are huge');

  expect(status).toBe('completed');
  expect(returns).toMatchObject([{ status: 'error', text: expect.stringContaining('too long') }]);
  const { rows } = await database.pool.query<{ size: number }>(
    `select max(octet_length(parts::text)) as size from messages where agent_id = $1`,
    [agentId],
  );
  expect(rows[0]!.size).toBeLessThan(100_000);
});

it('of a reply with 2,000 calls the first are made, and the model learns that the others are not', async () => {
  const { status, returns } = await poisoned('calls are many');

  expect(status).toBe('completed');
  expect(returns).toHaveLength(128);
  expect(returns.filter((each) => each.status === 'success')).toHaveLength(127);
  expect(returns.find((each) => each.status === 'error')!.text).toContain('2000');
});

it.each([
  ['throws_text', 'error', 'a text, not an error'],
  ['throws_nothing', 'error', 'undefined'],
  ['throws_object', 'error', 'bare'],
  ['throws_odd_error', 'error', 'no message'],
  ['returns_nothing', 'success', 'None'],
  ['returns_object', 'success', '{"rows":2}'],
])('what a tool throws or returns is told to the model, whatever it is (%s)', async (tool, status, text) => {
  const { returns, stopReason } = await poisoned(`CALL ${tool} {}`, { tools: [tool] });

  expect(stopReason).toBe('end_turn');
  expect(returns).toMatchObject([{ status, text: expect.stringContaining(text), unknown: false }]);
});

it.each(['CALL nonesuch {}', 'name is odd'])(
  'a call of a tool that is not there is told to the model (%s)',
  async (content) => {
    const { status, returns } = await poisoned(content);

    expect(status).toBe('completed');
    expect(returns).toMatchObject([{ status: 'error', text: expect.stringContaining('Cannot call') }]);
  },
);

it('a call with an id of 8 KB is made', async () => {
  const { status, returns } = await poisoned('id is long');

  expect(status).toBe('completed');
  expect(returns).toMatchObject([{ status: 'success', text: 'fine' }]);
});

it('a reply whose token counts are nonsense is kept', async () => {
  expect(await poisoned('usage is nonsense')).toMatchObject({ status: 'completed', stopReason: 'end_turn' });
});

it('a model that calls tools for ever is stopped after max_steps', async () => {
  const { status, stopReason, returns } = await poisoned('REPEAT 50 CALL fine {}', { max_steps: 4 });

  expect({ status, stopReason }).toEqual({ status: 'completed', stopReason: 'max_steps' });
  expect(returns).toHaveLength(4);
});
