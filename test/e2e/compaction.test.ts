import Letta, { BadRequestError, ConflictError } from '@letta-ai/letta-client';
import { countTokens } from '../../count-tokens';
import { newId } from '../../new-id';
import type { FakeOpenAi } from '../support/fake-openai';
import { createGate } from '../support/five-steps';
import { call, sendAsync, runEnd } from '../support/live-api';
import { startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';
import { createWindowedModel } from '../support/windowed-model';

const WINDOW = 8_000;
const model = createWindowedModel();
let database: TestDatabase;
let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;
let url: string;

beforeAll(async () => {
  server = await startLiveServer({ script: (request, n) => model.script(request, n) });
  ({ database, fake, url } = server);
  client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.stop());
beforeEach(() => model.reset());
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

const createAgent = async (fields: object = {}): Promise<string> =>
  (
    await client.agents.create({
      model: 'openai/gpt-4.1',
      context_window_limit: WINDOW,
      include_base_tools: false,
      ...fields,
    })
  ).id;

/** Rounds of a conversation that went before, of about 200 tokens each. */
async function speak(conversationId: string, agentId: string, rounds: number): Promise<void> {
  const text = (n: number, who: string) => `${who} ${n}: ` + 'the roses want water and light '.repeat(13);
  const rows = Array.from({ length: rounds }, (_, n) => [
    { id: newId('message'), role: 'user', parts: [{ type: 'text', text: text(n, 'question') }] },
    { id: newId('message'), role: 'assistant', parts: [{ type: 'text', text: text(n, 'answer') }] },
  ]).flat();
  await database.pool.query(
    `insert into messages (id, conversation_id, agent_id, role, parts)
     select m.id, $1, $2, m.role, m.parts
       from rows from (jsonb_to_recordset($3::jsonb) as (id text, role text, parts jsonb)) with ordinality
            as m (id, role, parts, position) order by m.position`,
    [conversationId, agentId, JSON.stringify(rows)],
  );
}

const say = (agentId: string, input: string) => client.agents.messages.create(agentId, { input });
const contextRoles = async (conversationId: string): Promise<readonly string[]> =>
  (
    await database.pool.query<{ role: string }>(
      `select role from messages where conversation_id = $1 and in_context order by coalesce(context_seq, seq)`,
      [conversationId],
    )
  ).rows.map(({ role }) => role);
const listed = async (agentId: string) =>
  call<{ id: string; message_type: string; content: string }[]>(
    url,
    'GET',
    `/v1/agents/${agentId}/messages?order=asc&limit=1000`,
  );

it('a context five times over the window is answered after one summary', async () => {
  const agentId = await createAgent();
  await speak(agentId, agentId, 200);
  const before = await listed(agentId);
  model.reset({ window: WINDOW });

  const answer = await say(agentId, 'SAY still here');

  expect(answer.stop_reason.stop_reason).toBe('end_turn');
  expect(answer.messages.map((message) => message.message_type)).toEqual(['assistant_message']);
  expect(model.asked).toHaveLength(1);
  expect(model.summarized).toHaveLength(1);
  const [shown = Infinity] = await countTokens(model.shown);
  expect(shown).toBeGreaterThan(WINDOW * 0.4);
  expect(shown).toBeLessThanOrEqual(WINDOW * 0.6);
  const roles = await contextRoles(agentId);
  expect(roles.slice(0, 2)).toEqual(['system', 'summary']);
  expect(roles.length).toBeLessThan(60);
  // What the summary stands for stays where it was, and the summary is listed as a message of its time.
  const after = await listed(agentId);
  expect(after.slice(1, before.length).map(({ id }) => id)).toEqual(before.slice(1).map(({ id }) => id));
  const summary = after[before.length]!;
  expect(summary.message_type).toBe('user_message');
  expect(JSON.parse(summary.content)).toMatchObject({
    type: 'system_alert',
    message: expect.stringContaining('They spoke about the garden.') as unknown,
  });
  expect(answer.usage.total_tokens).toBeGreaterThan(model.asked[0]!);
});

it('a provider that finds every context too long ends the turn after a fixed number of questions', async () => {
  const agentId = await createAgent();
  await speak(agentId, agentId, 10);
  model.reset({ window: 0 });

  await expect(say(agentId, 'SAY hello')).rejects.toThrow(BadRequestError);

  const [run] = await call<{ id: string; stop_reason: string }[]>(
    url,
    'GET',
    `/v1/runs/?agent_id=${agentId}`,
  );
  expect(run).toMatchObject({ stop_reason: 'llm_api_error' });
  // Once as it was, and again after each compaction; the first takes out what there is.
  expect(model.asked.length).toBeLessThanOrEqual(4);
  expect(model.summarized.length).toBeLessThanOrEqual(9);
  // The thread is usable: nothing of the failed turn is in it, and a provider with room answers.
  model.reset({ window: WINDOW });
  expect((await say(agentId, 'SAY hello')).stop_reason.stop_reason).toBe('end_turn');
});

it('a system prompt that fills the window says so', async () => {
  const agentId = await createAgent({ system: 'Mind the roses and the lilies. '.repeat(1_600) });
  model.reset({ window: WINDOW });

  const failure = await say(agentId, 'hello').catch((error: unknown) => error);

  expect(failure).toBeInstanceOf(BadRequestError);
  expect((failure as BadRequestError).error).toMatchObject({
    error: { type: 'context_window_overflow_in_system_prompt' },
  });
  const [run] = await call<{ id: string; stop_reason: string }[]>(
    url,
    'GET',
    `/v1/runs/?agent_id=${agentId}`,
  );
  expect(run).toMatchObject({ stop_reason: 'context_window_overflow_in_system_prompt' });
  expect(model.summarized).toEqual([]);
});

it('without any summarizer the oldest messages are taken out, and the turn goes on', async () => {
  const agentId = await createAgent();
  await speak(agentId, agentId, 100);
  model.reset({ window: WINDOW, onSummary: () => ({ error: { status: 401 } }) });

  const answer = await say(agentId, 'SAY no summary needed');

  expect(answer.stop_reason.stop_reason).toBe('end_turn');
  expect(model.summarized).toHaveLength(3);
  const roles = await contextRoles(agentId);
  expect(roles.slice(0, 2)).toEqual(['system', 'summary']);
  expect(roles.length).toBeGreaterThan(4);
  const summary = (await listed(agentId)).find(({ content }) => content.includes('system_alert'));
  expect(summary?.content).toContain('question 0');
});

it('a summarizer that says nothing is asked three times, and the turn goes on all the same', async () => {
  const agentId = await createAgent();
  await speak(agentId, agentId, 100);
  model.reset({ window: WINDOW, onSummary: () => ({ text: '' }) });

  const answer = await say(agentId, 'SAY fine');

  expect(answer.stop_reason.stop_reason).toBe('end_turn');
  expect(model.summarized).toHaveLength(3);
  expect((await contextRoles(agentId)).slice(0, 2)).toEqual(['system', 'summary']);
});

it('a reply that fills the window is followed by a summary before its turn ends', async () => {
  const agentId = await createAgent();
  await speak(agentId, agentId, 10);
  model.reset({
    onMessage: () => ({
      text: 'full now',
      usage: { prompt_tokens: 7_900, completion_tokens: 50, total_tokens: 7_950 },
    }),
  });

  const stream = await client.agents.messages.create(agentId, {
    input: 'how full are you?',
    streaming: true,
    include_compaction_messages: true,
  });
  const chunks: { message_type?: string }[] = [];
  for await (const chunk of stream) chunks.push(chunk);

  expect(chunks.map((chunk) => chunk.message_type)).toEqual([
    'ping',
    'assistant_message',
    'event_message',
    'summary_message',
    'stop_reason',
    'usage_statistics',
  ]);
  expect(chunks[2]).toMatchObject({
    event_type: 'compaction',
    event_data: { trigger: 'post_step_context_check', context_token_estimate: 7_950, context_window: WINDOW },
  });
  expect(chunks[3]).toMatchObject({
    summary: 'They spoke about the garden.',
    compaction_stats: { trigger: 'post_step_context_check', context_window: WINDOW },
  });
  expect((await contextRoles(agentId)).slice(0, 2)).toEqual(['system', 'summary']);
  expect((await listed(agentId)).at(-1)).toMatchObject({ message_type: 'summary_message' });
});

it('a long row of tool calls is summarized on the way, whole calls with their results', async () => {
  const agentId = await createAgent({
    include_base_tools: true,
    memory_blocks: [{ label: 'notes', value: '-', limit: 200_000 }],
    tool_rules: [{ type: 'max_count_per_step', tool_name: 'memory_insert', max_count_limit: 14 }],
  });
  model.reset({ window: WINDOW });
  const text = 'water the roses at dawn '.repeat(20);
  const calls = Array.from(
    { length: 12 },
    (_, n) => `CALL memory_insert ${JSON.stringify({ label: 'notes', new_string: `${n} ${text}` })}`,
  );

  model.reset({
    window: WINDOW,
    // It counts its own calls: the summary takes them out of its sight.
    onMessage: (() => {
      let n = 0;
      return () => {
        const next = calls[n++];
        if (next === undefined) return { text: 'All noted.' };
        const args = next.slice('CALL memory_insert '.length);
        return { toolCalls: [{ name: 'memory_insert', arguments: args }] };
      };
    })(),
  });
  const answer = await say(agentId, 'note it all');

  expect(answer.stop_reason.stop_reason).toBe('end_turn');
  expect(answer.messages.filter(({ message_type: type }) => type === 'tool_return_message')).toHaveLength(12);
  expect(model.summarized.length).toBeGreaterThan(0);
  expect(Math.max(...model.asked)).toBeLessThanOrEqual(WINDOW);
});

it('a client compacts a conversation, and hears when there is nothing to compact or a turn runs', async () => {
  const agentId = await createAgent();
  await expect(client.agents.messages.compact(agentId, {})).rejects.toThrow(BadRequestError);
  for (const input of ['SAY one', 'SAY two', 'SAY three', 'SAY four']) await say(agentId, input);

  const compacted = await client.agents.messages.compact(agentId, {});

  expect(compacted).toEqual({
    summary: 'They spoke about the garden.',
    num_messages_before: 9,
    num_messages_after: 2,
  });
  expect(await contextRoles(agentId)).toEqual(['system', 'summary']);
  await expect(client.agents.messages.compact(agentId, {})).rejects.toThrow(BadRequestError);

  const gate = createGate();
  model.reset({ onMessage: async () => (await gate.pass(), { text: 'done' }) });
  const runId = await sendAsync(url, agentId, 'wait');
  await gate.reached;
  await expect(client.agents.messages.compact(agentId, {})).rejects.toThrow(ConflictError);
  await expect(client.agents.messages.reset(agentId, {})).rejects.toThrow(ConflictError);
  await expect(client.agents.recompile(agentId, {})).rejects.toThrow(ConflictError);
  gate.open();
  await runEnd(url, runId);
});

it("a conversation is compacted by the agent's own model with the settings of the request", async () => {
  const agentId = await createAgent();
  const { id } = await client.conversations.create({ agent_id: agentId });
  await speak(id, agentId, 20);

  const compacted = await client.conversations.messages.compact(id, {
    compaction_settings: {
      mode: 'self_compact_sliding_window',
      sliding_window_percentage: 0.1,
      clip_chars: 12,
    },
  });

  expect(compacted.num_messages_before).toBe(41);
  expect(compacted.num_messages_after).toBeGreaterThan(2);
  expect(compacted.summary).toContain('They spo');
  const request = fake.requests.at(-1)!;
  expect(request.body['model']).toBe('gpt-4.1');
  expect(JSON.stringify(request.body)).not.toContain('<transcript>');
});

it('a compaction that no summarizer carries out fails, and leaves the conversation as it is', async () => {
  const agentId = await createAgent();
  await speak(agentId, agentId, 5);
  model.reset({ onSummary: () => ({ error: { status: 401 } }) });

  await expect(client.agents.messages.compact(agentId, {})).rejects.toMatchObject({ status: 401 });

  expect(await contextRoles(agentId)).toHaveLength(11);
});
