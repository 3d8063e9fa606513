import { createCompact } from '../../activities/compact';
import type { ActivityDeps } from '../../activities/deps';
import { createCompactionStore } from '../../db/compactions';
import { getRunWithUsage } from '../../db/runs';
import { stopTurn } from '../../db/stop-turn';
import { createTurnStore } from '../../db/turns';
import type { CompactDone, CompactKey } from '../../domain/compaction';
import type { CompactionStore } from '../../domain/compaction-store';
import { AppError } from '../../domain/errors';
import type { ModelReply, ModelRequest } from '../../domain/model';
import type { TurnStore } from '../../domain/turn-store';
import { newId } from '../../new-id';
import { insertMessage } from '../support/rows';
import { createTestDatabase, type TestDatabase } from '../support/stack';
import {
  insertAgentWithMemory,
  insertWaitingRun,
  opened,
  openedTool,
  replyTo,
  succeeded,
} from '../support/turn-rows';

jest.mock('@temporalio/activity', () => ({
  Context: { current: () => ({ cancellationSignal: new AbortController().signal }) },
}));

let database: TestDatabase;
let turns: TurnStore;
let store: CompactionStore;
let replies: (() => Promise<ModelReply>)[];
let requests: ModelRequest[];

beforeAll(async () => {
  database = await createTestDatabase();
  turns = createTurnStore(database.pool);
  store = createCompactionStore(database.pool);
});
afterAll(() => database.drop());
beforeEach(() => {
  replies = [];
  requests = [];
});

/** What is left of 20 messages of some 50 tokens with a window of 1,000: those of 30 %, behind the summary. */
const COMPACTED = ['system', 'summary', 'assistant', 'user', 'assistant', 'user', 'assistant'];

const USAGE = { promptTokens: 100, completionTokens: 10, totalTokens: 110, cachedInputTokens: null, cacheWriteTokens: null, reasoningTokens: null }; // prettier-ignore
const says = (text: string) => (): Promise<ModelReply> =>
  Promise.resolve({ parts: [{ type: 'text', text }], finishReason: 'stop', usage: USAGE, responseId: null });
const fails = (code: 'MODEL_CONTEXT_OVERFLOW' | 'MODEL_AUTHENTICATION') => (): Promise<ModelReply> =>
  Promise.reject(new AppError(code, 'as scripted'));

/** The activity over the real store and a model that says what the test says; the last reply is repeated. */
function compactWith(compactions: CompactionStore = store): (key: CompactKey) => Promise<CompactDone> {
  const info = { name: 'gpt-4.1', contextWindow: 1_000 };
  const client = {
    complete: (request: ModelRequest) => {
      requests.push(request);
      return (replies[requests.length - 1] ?? replies.at(-1) ?? says('All of it.'))();
    },
  };
  return createCompact({
    compactions,
    models: { client: () => Promise.resolve({ info, client }), resolve: () => Promise.resolve(info) },
    cancellations: { watch: () => () => undefined },
    countTokens: (texts: readonly string[]) =>
      Promise.resolve(texts.map((text) => Math.ceil(text.length / 4))),
  } as unknown as ActivityDeps); // only these are used
}

const rowsOf = async <T>(sql: string, ...values: readonly unknown[]): Promise<T[]> =>
  (await database.pool.query(sql, [...values])).rows as T[]; // each query's own columns
const everything = async () =>
  Promise.all(
    ['runs', 'steps', 'messages', 'run_events', 'compactions', 'conversations'].map((table) =>
      rowsOf(`select to_jsonb(t) as row from ${table} t order by to_jsonb(t)::text`),
    ),
  );
const contextOf = async (agentId: string): Promise<readonly string[]> =>
  (
    await rowsOf<{ role: string }>(
      `select role from messages where conversation_id = $1 and in_context order by coalesce(context_seq, seq)`,
      agentId,
    )
  ).map(({ role }) => role);

/** A thread of so many messages of about 50 tokens, behind a system message. */
async function thread(
  messages = 20,
  columns: Readonly<Record<string, unknown>> = {},
): Promise<{ agentId: string; runId: string }> {
  const { id: agentId } = await insertAgentWithMemory(database.pool);
  const system = await insertMessage(database.pool, agentId, {
    role: 'system',
    parts: [{ type: 'text', text: 'old' }],
  });
  await database.pool.query(`update conversations set system_message_id = $2 where id = $1`, [
    agentId,
    system,
  ]);
  for (let n = 0; n < messages; n++) {
    const text = `${n} ${'water the roses at dawn '.repeat(8)}`;
    await insertMessage(database.pool, agentId, {
      role: n % 2 === 0 ? 'user' : 'assistant',
      parts: [{ type: 'text', text }],
    });
  }
  const runId = await insertWaitingRun(database.pool, agentId, 'Hi', columns);
  return { agentId, runId };
}

async function before(messages?: number): Promise<{ agentId: string; key: CompactKey }> {
  const { agentId, runId } = await thread(messages);
  await opened(turns, runId);
  return { agentId, key: { runId, step: 0, trigger: 'pre_step_context_check', round: 0 } };
}

it('keeps the newest messages beside the summary, and the next step reads them in that order', async () => {
  const { agentId, key } = await before();

  expect(await compactWith()(key)).toEqual({});

  const { context } = await opened(turns, key.runId);
  expect(context.map(({ role }) => role)).toEqual(COMPACTED);
  expect(context[1]!.parts).toEqual([
    { type: 'text', text: 'All of it.' },
    expect.objectContaining({
      type: 'compaction',
      messagesBefore: 21,
      messagesAfter: 7,
      contextWindow: 1_000,
    }),
  ]);
  // The system message is compiled anew: it holds the block as it is.
  expect(JSON.stringify(context[0]!.parts)).toContain('start');
  expect(await rowsOf(`select from messages where conversation_id = $1`, agentId)).toHaveLength(22);
});

it('repeating it after it was stored changes nothing and asks nobody', async () => {
  const { key } = await before();
  const compact = compactWith();
  const done = await compact(key);
  const stored = await everything();

  expect(await compact(key)).toEqual(done);

  expect(await everything()).toEqual(stored);
  expect(requests).toHaveLength(1);
});

it.each(['open', 'countTry', 'noteTry', 'save'] as const)(
  'an attempt that dies before or after %s is taken up by the next one, with at most three calls in all',
  async (operation) => {
    for (const when of ['before', 'after']) {
      requests = [];
      const { agentId, key } = await before();
      const methods = store as unknown as Record<string, (...given: never[]) => Promise<unknown>>;
      const dying: CompactionStore = {
        ...store,
        [operation]: async (...input: never[]) => {
          if (when === 'after') await methods[operation]!(...input);
          throw new AppError('UNAVAILABLE', 'killed');
        },
      };
      await expect(compactWith(dying)(key)).rejects.toThrow('killed');
      const context = await contextOf(agentId);
      expect(context.length === 21 || (context[1] === 'summary' && context.length === 7)).toBe(true);

      await compactWith()(key);

      expect(await contextOf(agentId)).toEqual(COMPACTED);
      const [row] = await rowsOf<{ tries: number }>(
        `select tries from compactions where run_id = $1`,
        key.runId,
      );
      expect(row!.tries).toBe(
        operation === 'open' ||
          (operation === 'countTry' && when === 'before') ||
          (operation === 'save' && when === 'after')
          ? 1
          : 2,
      );
      expect(requests.length).toBeLessThanOrEqual(3);
    }
  },
);

it('a summarizer that dies with its worker each time is asked three times, then the oldest messages go', async () => {
  const { agentId, key } = await before();
  const lost: CompactionStore = {
    ...store,
    noteTry: () => Promise.reject(new AppError('UNAVAILABLE', 'killed')),
  };
  for (let attempt = 0; attempt < 3; attempt++)
    await expect(compactWith(lost)(key)).rejects.toThrow('killed');

  expect(await compactWith()(key)).toEqual({});

  expect(requests).toHaveLength(3);
  expect((await contextOf(agentId)).slice(0, 2)).toEqual(['system', 'summary']);
});

it('an attempt that was superseded stores nothing', async () => {
  const { key } = await before();
  const first = await store.open(key);
  await store.open(key);
  const stored = await everything();

  for (const write of [
    (c: never) => store.countTry(c),
    (c: never) => store.save(c, { change: null }),
    (c: never) => store.noteTry(c, {}),
  ])
    await expect(write((first as { opened: never }).opened)).rejects.toMatchObject({ code: 'SUPERSEDED' });

  expect(await everything()).toEqual(stored);
});

it('a model call that was under way can store nothing any more', async () => {
  const { runId } = await thread();
  const step = await opened(turns, runId);
  await compactWith()({ runId, step: 0, trigger: 'context_window_exceeded', round: 0 });

  await expect(turns.saveReply(step, replyTo(step))).rejects.toMatchObject({ code: 'SUPERSEDED' });
});

it('a context that holds nothing but a summary is left alone without a question', async () => {
  const { agentId, key } = await before(8);
  const compact = compactWith();
  await compact({ ...key, trigger: 'context_window_exceeded' });
  await database.pool.query(`update agents set compaction_settings = '{"mode":"all"}' where id = $1`, [
    agentId,
  ]);
  await compact({ ...key, trigger: 'context_window_exceeded', round: 1 });
  const asked = requests.length;

  expect(await compact({ ...key, trigger: 'context_window_exceeded', round: 2 })).toEqual({ isStuck: true });

  expect(requests).toHaveLength(asked);
  expect(await contextOf(agentId)).toEqual(['system', 'summary']);
});

it('a reply that fills the context again with nothing new to take out asks for no second summary', async () => {
  const { agentId, key } = await before(8);
  const compact = compactWith();
  const full = { ...key, trigger: 'post_step_context_check' } as const;
  await database.pool.query(`update agents set compaction_settings = '{"mode":"all"}' where id = $1`, [
    agentId,
  ]);
  await compact(full);
  await insertMessage(database.pool, agentId, { role: 'user', parts: [{ type: 'text', text: 'short' }] });

  expect(await compact({ ...full, round: 1 })).toEqual({ isStuck: true });

  expect(requests).toHaveLength(1);
  expect(await contextOf(agentId)).toEqual(['system', 'summary', 'user']);
});

it('a summarizer that is shown too much is shown half as much', async () => {
  const { key } = await before(40);
  replies = [fails('MODEL_CONTEXT_OVERFLOW'), fails('MODEL_CONTEXT_OVERFLOW'), says('Short.')];

  await compactWith()(key);

  const sizes = requests.map(({ messages }) => JSON.stringify(messages).length);
  expect(sizes[1]).toBeLessThan(sizes[0]! * 0.7);
  expect(sizes[2]).toBeLessThan(sizes[1]!);
});

it('a summary that makes nothing smaller is not taken', async () => {
  const { agentId, key } = await before();
  replies = [says('x'.repeat(40_000))];
  await database.pool.query(
    `update agents set compaction_settings = '{"mode":"self_compact_all"}' where id = $1`,
    [agentId],
  );
  await database.pool.query(
    `update messages set parts = '[{"type":"text","text":"a"}]' where agent_id = $1`,
    [agentId],
  );

  await compactWith()(key);

  expect(requests).toHaveLength(3);
  const [row] = await rowsOf<{ last_error: string }>(
    `select last_error from compactions where run_id = $1`,
    key.runId,
  );
  expect(row!.last_error).toBe('the summary is no shorter');
});

it('what a summary cost is counted on its run', async () => {
  const { key } = await before();
  await compactWith()(key);
  const step = await opened(turns, key.runId);
  await turns.saveReply(step, replyTo(step));

  const { usage } = await getRunWithUsage(database.pool, key.runId);

  expect(usage).toMatchObject({
    promptTokens: 101,
    completionTokens: 11,
    totalTokens: 112,
    stepCount: 1,
    contextTokens: 2,
  });
});

describe('a turn whose last reply has filled the context', () => {
  const full = async (messages?: number) => {
    const { agentId, runId } = await thread(messages);
    const step = await opened(turns, runId);
    const outcome = await turns.saveReply(step, { ...replyTo(step), isFull: true });
    const key: CompactKey = { runId, step: 0, trigger: 'post_step_context_check', round: 0 };
    return { agentId, runId, outcome, key };
  };
  const statusOf = async (runId: string) =>
    (await rowsOf<{ status: string }>(`select status from runs where id = $1`, runId))[0]?.status;

  it('ends with the summary, in one transaction, and the message behind it follows', async () => {
    const { agentId, runId, outcome, key } = await full();
    const next = await insertWaitingRun(database.pool, agentId);
    expect(outcome).toMatchObject({ compact: 'post_step_context_check' });
    expect(await statusOf(runId)).toBe('running');
    expect(await turns.openStep({ runId, step: 0 })).toEqual({ stored: outcome });

    const done = await compactWith()(key);

    expect(done.end).toMatchObject({ stopReason: 'end_turn', next: { runId: next } });
    expect(await statusOf(runId)).toBe('completed');
    expect(await compactWith()(key)).toEqual(done);
  });

  it('ends as well where nothing can be made smaller', async () => {
    const { runId, key } = await full(0);
    replies = [fails('MODEL_AUTHENTICATION')];

    expect((await compactWith()(key)).end).toMatchObject({ stopReason: 'end_turn' });
    expect(await statusOf(runId)).toBe('completed');
  });

  it('is cancelled like any other', async () => {
    const { runId, agentId, key } = await full();
    await turns.closeRun({ runId, conversationId: agentId, stopReason: 'cancelled' });

    await expect(compactWith()(key)).rejects.toMatchObject({ code: 'SUPERSEDED' });
    expect(await statusOf(runId)).toBe('cancelled');
  });
});

it('tool rules still know the calls whose results a summary has taken out of sight', async () => {
  const { agentId, runId } = await thread(0);
  await database.pool.query(`update agents set compaction_settings = '{"mode":"all"}' where id = $1`, [
    agentId,
  ]);
  const step = await opened(turns, runId);
  await turns.saveReply(step, { ...replyTo(step, { calls: ['read'] }), isFull: true });
  await turns.saveToolResult(await openedTool(turns, runId), succeeded('found'));

  await compactWith()({ runId, step: 0, trigger: 'post_step_context_check', round: 0 });

  const ruleless = await opened(turns, runId, 1);
  expect(ruleless.context.map(({ role }) => role)).toEqual(['system', 'summary']);
  expect(ruleless.calledBefore).toBeUndefined();
  const rule = { type: 'max_count_per_step', tool_name: 'conversation_search', max_count_limit: 2 };
  await database.pool.query('update agents set tool_rules = $2 where id = $1', [
    agentId,
    JSON.stringify([rule]),
  ]);
  const next = await opened(turns, runId, 1);
  expect(next.calledBefore).toEqual([{ name: 'conversation_search', result: 'found' }]);
});

it('a turn that is rolled back gives back what its summary took out', async () => {
  const { agentId, key } = await before();
  const context = await contextOf(agentId);
  await compactWith()(key);
  expect(await contextOf(agentId)).not.toEqual(context);

  await stopTurn(database.pool, agentId, { how: 'rollback', byRunId: newId('run') });

  expect(await contextOf(agentId)).toEqual(context);
  expect(
    await rowsOf(`select from messages where conversation_id = $1 and role = 'summary'`, agentId),
  ).toEqual([]);
});

it('a compaction that a client asked for fails with the words of the model, and changes nothing', async () => {
  const { agentId, runId } = await thread(10, {
    request: JSON.stringify({
      messages: [],
      approvals: null,
      overrideModel: null,
      overrideSystem: null,
      compact: { settings: {} },
    }),
  });
  replies = [fails('MODEL_AUTHENTICATION')];
  const key: CompactKey = { runId, step: 0, trigger: 'manual', round: 0 };

  await expect(compactWith()(key)).rejects.toMatchObject({ code: 'MODEL_AUTHENTICATION' });
  await turns.closeRun({
    runId,
    conversationId: agentId,
    stopReason: 'llm_api_error',
    code: 'MODEL_AUTHENTICATION',
  });

  expect(await contextOf(agentId)).toHaveLength(11);
  const [run] = await rowsOf<{ error: { detail: string } }>(`select error from runs where id = $1`, runId);
  expect(run!.error.detail).toBe('as scripted');
});
