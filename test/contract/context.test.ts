import Letta, { ConflictError, NotFoundError } from '@letta-ai/letta-client';
import { memoryTransaction } from '../../db/memory-transaction';
import { createTurnStore } from '../../db/turns';
import { sampleBody } from '../support/letta-samples';
import { insertMessage, insertRun, insertStep } from '../support/rows';
import { shapeOf } from '../support/shape';
import { until } from '../support/started';
import { startTestApi, type TestApi } from '../support/test-api';
import { insertWaitingRun, opened } from '../support/turn-rows';

// A run that a test ends by hand is noticed at the next slow poll.
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
    memory_blocks: [
      { label: 'human', value: 'Ada plays the cello.' },
      { label: 'plan', value: 'Practise.' },
    ],
  });
  agentId = agent.id;
});

const text = (value: string) => [{ type: 'text', text: value }] as const;
const say = (conversationId: string, value: string, columns: object = {}): Promise<string> =>
  insertMessage(api.db, agentId, {
    conversation_id: conversationId,
    role: 'user',
    parts: text(value),
    ...columns,
  });
const texts = async (conversationId: string): Promise<readonly string[]> =>
  (
    await api.db.query<{ text: string }>(
      `select coalesce(parts -> 0 ->> 'text', parts -> 0 ->> 'result', parts -> 0 ->> 'name') as text from messages
        where conversation_id = $1 and in_context and role <> 'system' order by coalesce(context_seq, seq)`,
      [conversationId],
    )
  ).rows.map((row) => row.text);
const busyRun = (conversationId: string) =>
  insertRun(api.db, agentId, { conversation_id: conversationId, status: 'running', stop_reason: null });

describe('recompiling', () => {
  it('shows the new text, and stores it unless it is a dry run', async () => {
    const system = async () =>
      (await client.agents.messages.list(agentId, { order: 'asc' })).getPaginatedItems()[0];
    const block = (await client.agents.blocks.retrieve('human', { agent_id: agentId })).id;
    await client.blocks.update(block, { value: 'Ada plays the harp.' });

    const dry = await client.agents.recompile(agentId, { dry_run: true });
    const before = await system();
    const stored = await client.agents.recompile(agentId, {});
    const after = await system();

    expect(dry).toContain('Ada plays the harp.');
    expect(JSON.stringify(before)).toContain('Ada plays the cello.');
    expect(after).toMatchObject({ id: before!.id, content: stored });
    expect(stored).toContain('Ada plays the harp.');
  });

  it('is done for one conversation alone, or for the own thread under the name default', async () => {
    const { id } = await client.conversations.create({ agent_id: agentId });

    const text = await client.conversations.recompile(id, {});
    const own = await client.conversations.recompile('default', { agent_id: agentId });

    expect(text).toContain(`CONVERSATION_ID: ${id}`);
    expect(own).toContain('CONVERSATION_ID: default');
    expect(
      (await api.call('POST', `/v1/agents/${agentId}/system-prompt/recompile?dry_run=true`)).status,
    ).toBe(200);
  });

  it('waits for no turn: a busy conversation is a conflict, another one is not', async () => {
    const { id } = await client.conversations.create({ agent_id: agentId });
    await busyRun(id);

    await expect(client.conversations.recompile(id, {})).rejects.toThrow(ConflictError);
    await expect(client.conversations.recompile(id, { dry_run: true })).resolves.toContain(id);
    await expect(client.agents.recompile(agentId, {})).resolves.toContain('default');
  });
});

describe('resetting messages', () => {
  it('leaves the system message and answers with the agent in the form of the original', async () => {
    await say(agentId, 'one');
    const { id: conversation } = await client.conversations.create({ agent_id: agentId });
    await say(conversation, 'stays');

    const state = await client.agents.messages.reset(agentId, { add_default_initial_messages: false });

    expect(shapeOf(state)).toMatchObject({
      message_ids: ['string'],
      id: 'string',
      compaction_settings: { mode: 'string' },
    });
    expect(Object.keys(state!)).toEqual(Object.keys(sampleBody('agents.reset_messages.json') as object));
    expect(state!.message_ids).toHaveLength(1);
    expect(await texts(agentId)).toEqual([]);
    expect(await texts(conversation)).toEqual(['stays']);
  });

  it('lets an agent of an older type say its first words again when asked to', async () => {
    await api.db.query(`update agents set agent_type = 'memgpt_v2_agent' where id = $1`, [agentId]);
    await api.db.query(
      `insert into tools (id, name, tool_type, description, json_schema) values ('tool-1', 'send_message', 'letta_core', '', '{}')`,
    );
    await api.db.query(`insert into agent_tools (agent_id, tool_id) values ($1, 'tool-1')`, [agentId]);
    await say(agentId, 'one');

    const state = await client.agents.messages.reset(agentId, { add_default_initial_messages: true });

    expect(state!.message_ids).toHaveLength(4);
    expect(await texts(agentId)).not.toContain('one');
  });

  it('is a conflict while a turn runs', async () => {
    await say(agentId, 'one');
    await busyRun(agentId);

    await expect(client.agents.messages.reset(agentId, {})).rejects.toThrow(ConflictError);
    expect(await texts(agentId)).toEqual(['one']);
  });
});

describe('forking', () => {
  it('copies what the model reads into a conversation with a system message of its own', async () => {
    const { id } = await client.conversations.create({ agent_id: agentId });
    await say(id, 'one');
    await say(id, 'two');

    const fork = await client.conversations.fork(id);
    await say(fork.id, 'three');

    expect(shapeOf(fork)).toMatchObject(
      shapeOf({ id: '', agent_id: '', in_context_message_ids: [], summary: null }) as object,
    );
    expect(Object.keys(fork)).toEqual(Object.keys(sampleBody('conversations.fork.json') as object));
    expect(fork.agent_id).toBe(agentId);
    expect(await texts(fork.id)).toEqual(['one', 'two', 'three']);
    expect(await texts(id)).toEqual(['one', 'two']);
    const [system] = (
      await client.conversations.messages.list(fork.id, { order: 'asc' })
    ).getPaginatedItems();
    expect(JSON.stringify(system)).toContain(fork.id);
  });

  it('goes back to any message, also to one that a summary stands for by now', async () => {
    const ids = [await say(agentId, 'one'), await say(agentId, 'two'), await say(agentId, 'three')];
    const summary = await insertMessage(api.db, agentId, { role: 'summary', parts: text('one and two') });
    await api.db.query(`update messages set in_context = null, compacted_by = $1 where id = any ($2)`, [
      summary,
      ids.slice(0, 2),
    ]);
    await api.db.query(
      `update messages set context_seq = (select seq from messages where id = $2) where id = $1`,
      [summary, ids[1]],
    );
    await say(agentId, 'four');
    const forked = async (messageId?: string) =>
      texts(
        (
          await client.conversations.fork('default', {
            agent_id: agentId,
            ...(messageId && { message_id: messageId }),
          })
        ).id,
      );

    expect(await forked()).toEqual(['one and two', 'three', 'four']);
    expect(await forked(ids[1])).toEqual(['one', 'two']);
    expect(await forked(ids[2])).toEqual(['one', 'two', 'three']);
    expect(await forked(summary)).toEqual(['one and two']);
  });

  it('keeps calls together with their results, and leaves what is not whole behind', async () => {
    const call = (id: string) => [{ type: 'tool_call', id, name: `call ${id}`, arguments: '{}' }] as const;
    const result = (id: string) =>
      [
        {
          type: 'tool_return',
          toolCallId: id,
          name: 'x',
          status: 'success',
          result: `result ${id}`,
          stdout: null,
          stderr: null,
        },
      ] as const;
    await say(agentId, 'go');
    const asked = await insertMessage(api.db, agentId, { role: 'assistant', parts: call('a') });
    await insertMessage(api.db, agentId, { role: 'tool', parts: result('a') });
    await insertMessage(api.db, agentId, { role: 'assistant', parts: call('b'), in_context: false });

    const at = await client.conversations.fork('default', { agent_id: agentId, message_id: asked });
    const all = await client.conversations.fork('default', { agent_id: agentId });

    expect(await texts(at.id)).toEqual(['go', 'call a', 'result a']);
    expect(await texts(all.id)).toEqual(['go', 'call a', 'result a']);
  });

  it('can be hidden from lists, and refuses a message of another thread', async () => {
    const { id } = await client.conversations.create({ agent_id: agentId });
    const elsewhere = await say(agentId, 'elsewhere');
    const hidden = await client.conversations.fork(id, { hidden: true });

    const listed = (await client.conversations.list({ agent_id: agentId })).map((each) => each.id);

    expect(listed).toEqual([id]);
    expect((await client.conversations.retrieve(hidden.id)).id).toBe(hidden.id);
    await expect(client.conversations.fork(id, { message_id: elsewhere })).rejects.toThrow(NotFoundError);
  });
});

// The SDK of 1.12.1 leaves blocks of a conversation's own out of its types.
interface Isolated {
  readonly id: string;
  readonly isolated_block_ids: readonly string[];
}
const isolated = async (labels: readonly string[]): Promise<Isolated> => {
  const path = `/v1/conversations/?agent_id=${agentId}`;
  return (await api.call('POST', path, { body: { isolated_block_labels: labels } })).body as Isolated;
};

describe('a conversation with settings of its own', () => {
  it('has its own model, and gives it back when it is taken away', async () => {
    const settings = { provider_type: 'openai', temperature: 0.25 } as const;
    const { id, ...created } = await client.conversations.create({
      agent_id: agentId,
      model: 'openai/gpt-4.1',
      model_settings: settings,
    });
    const step = async () => {
      const runId = await insertWaitingRun(api.db, agentId, 'Hi', { conversation_id: id });
      return opened(createTurnStore(api.db), runId);
    };

    expect(created).toMatchObject({ model: 'openai/gpt-4.1', model_settings: { temperature: 0.25 } });
    expect((await step()).settings.temperature).toBe(0.25);
    const changed = await client.conversations.update(id, { model: null, model_settings: null });
    expect(changed).toMatchObject({ model: null, model_settings: null });
    expect((await step()).settings.temperature).not.toBe(0.25);
    await expect(client.conversations.update(id, { model: 'openai/gpt-nope' })).rejects.toThrow(
      NotFoundError,
    );
  });

  it('has copies of chosen blocks: edits stay in it, and its model is shown them from the start', async () => {
    const { id, isolated_block_ids: own } = await isolated(['plan']);

    const memory = memoryTransaction(api.db, { agentId, conversationId: id });
    const plan = (await memory.blocks()).find(({ label }) => label === 'plan')!;
    await memory.writeBlock(plan, 'Sleep.');

    expect(own).toEqual([plan.id]);
    expect((await client.agents.blocks.retrieve('plan', { agent_id: agentId })).value).toBe('Practise.');
    expect(await client.conversations.recompile(id, { dry_run: true })).toContain('Sleep.');
    expect(await client.agents.recompile(agentId, { dry_run: true })).toContain('Practise.');
    const fork = (await client.conversations.fork(id)) as unknown as Isolated;
    expect(fork.isolated_block_ids).toHaveLength(1);
    expect(fork.isolated_block_ids).not.toEqual(own);
    const runId = await insertWaitingRun(api.db, agentId, 'Hi', { conversation_id: fork.id });
    const step = await opened(createTurnStore(api.db), runId);
    expect(step.blocks.map(({ value }) => value).sort()).toEqual(['Ada plays the cello.', 'Sleep.']);
    expect(step.memorySeen['plan']).toContain(fork.isolated_block_ids[0]);
  });

  it('takes its blocks with it when it is deleted, or its agent', async () => {
    const [first, second] = [await isolated(['plan']), await isolated(['plan'])];
    const blocks = async () =>
      (
        await api.db.query(`select from blocks where id = any ($1)`, [
          [...first.isolated_block_ids, ...second.isolated_block_ids],
        ])
      ).rowCount;

    expect(await blocks()).toBe(2);
    await client.conversations.delete(first.id);
    expect(await blocks()).toBe(1);
    await client.agents.delete(agentId);
    expect(await blocks()).toBe(0);
  });

  it('is refused for a label that the agent does not have', async () => {
    const body = { isolated_block_labels: ['nope'] };

    const { status, body: answer } = await api.call('POST', `/v1/conversations/?agent_id=${agentId}`, {
      body,
    });

    expect(status).toBe(400);
    expect(answer).toEqual({ detail: expect.stringContaining("'human', 'plan'") as unknown });
  });
});

describe('the context overview', () => {
  it('has the form of the original and adds up', async () => {
    await say(agentId, 'how are the roses?');
    await insertMessage(api.db, agentId, {
      role: 'summary',
      parts: text('They spoke of roses.'),
      context_seq: 1,
    });

    const { body } = await api.call('GET', `/v1/agents/${agentId}/context`);

    const overview = body as Readonly<Record<string, number>>;
    const original = sampleBody('agents.context.json') as Readonly<Record<string, unknown>>;
    expect(Object.keys(overview).sort()).toEqual(Object.keys(original).sort());
    const keysOfFirst = (of: unknown) => Object.keys((of as { messages: object[] }).messages[0]!).sort();
    expect(keysOfFirst(overview)).toEqual(keysOfFirst(original));
    const parts = Object.entries(overview).filter(([name]) => name.startsWith('num_tokens_'));
    expect(parts.reduce((sum, [, tokens]) => sum + tokens, 0)).toBe(overview['context_window_size_current']);
    expect(overview).toMatchObject({
      context_window_size_max: 128_000,
      num_messages: 3,
      num_recall_memory: 2,
      summary_memory: 'They spoke of roses.',
      core_memory: expect.stringContaining('Ada plays the cello.') as unknown,
      external_memory_summary: expect.stringContaining('CONVERSATION_ID: default') as unknown,
    });
    for (const part of ['system', 'core_memory', 'external_memory_summary', 'summary_memory', 'messages'])
      expect(overview[`num_tokens_${part}`]).toBeGreaterThan(3);
  });

  it('is shown for a conversation of the agent, and of no other', async () => {
    const { id } = await client.conversations.create({ agent_id: agentId });
    const other = await client.agents.create({ model: 'openai/gpt-4.1' });
    const status = async (agent: string) =>
      (await api.call('GET', `/v1/agents/${agent}/context?conversation_id=${id}`)).status;

    expect(await status(agentId)).toBe(200);
    expect(await status(other.id)).toBe(404);
    expect(await status('agent-00000000-0000-4000-8000-000000000000')).toBe(404);
  });
});

describe('compacting', () => {
  it('starts a run that only compacts, joins it when it is sent again, and answers with what came of it', async () => {
    await say(agentId, 'one');
    const starts = api.startedTurns.length;
    const asked = api.call('POST', `/v1/agents/${agentId}/summarize`, {
      body: { compaction_settings: { mode: 'all' } },
      headers: { 'idempotency-key': 'once' },
    });
    const [turn] = await untilStarted(starts);
    expect(turn).toMatchObject({ agentId, conversationId: agentId, isCompaction: true });
    const again = api.call('POST', `/v1/agents/${agentId}/summarize`, {
      body: { compaction_settings: { mode: 'all' } },
      headers: { 'idempotency-key': 'once' },
    });
    const { runId } = turn!;
    await insertStep(api.db, runId, agentId);
    const summary = await insertMessage(api.db, agentId, { role: 'summary', parts: text('One.') });
    await api.db.query(
      `insert into compactions (key, run_id, step_id, conversation_id, trigger, summary_id, messages_before, messages_after)
       values ($1, $1, 'x', $2, 'manual', $3, 2, 2)`,
      [runId, agentId, summary],
    );
    await api.db.query(`update runs set status = 'completed', stop_reason = 'end_turn' where id = $1`, [
      runId,
    ]);

    const answers = await Promise.all([asked, again]);

    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(body).toEqual({ summary: 'One.', num_messages_before: 2, num_messages_after: 2 });
      expect(shapeOf(body)).toEqual(shapeOf(sampleBody('agents.messages.compact.json')));
    }
    expect(api.startedTurns).toHaveLength(starts + 1);
  });

  it('is refused for settings that do not exist and agents that are not there', async () => {
    const body = { compaction_settings: { mode: 'magic' } };

    expect((await api.call('POST', `/v1/agents/${agentId}/summarize`, { body })).status).toBe(422);
    expect(
      (await api.call('POST', '/v1/agents/agent-00000000-0000-4000-8000-000000000000/summarize')).status,
    ).toBe(404);
    expect((await api.call('POST', '/v1/conversations/default/compact', { body: {} })).status).toBe(400);
  });

  async function untilStarted(count: number) {
    await until(() => api.startedTurns.length > count);
    return api.startedTurns.slice(count);
  }
});
