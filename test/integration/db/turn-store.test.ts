import { createTurnStore } from '../../../db/turns';
import { planStep } from '../../../domain/plan-step';
import type { MemoryTransaction } from '../../../domain/ports';
import type { ToolEffects, ToolOutcome } from '../../../domain/tool';
import type { TurnStore } from '../../../domain/turn-store';
import type { OpenedStep, OpenedTool } from '../../../domain/turn-state';
import { createTestDatabase, type TestDatabase } from '../../support/stack';
import {
  insertAgentWithMemory,
  insertWaitingRun,
  opened,
  openedTool,
  replyTo,
  succeeded,
} from '../../support/turn-rows';

let database: TestDatabase;
let turns: TurnStore;

beforeAll(async () => {
  database = await createTestDatabase();
  turns = createTurnStore(database.pool);
});
afterAll(() => database.drop());

const rowsOf = async <T>(sql: string, ...values: readonly unknown[]): Promise<T[]> =>
  (await database.pool.query(sql, [...values])).rows as T[]; // each query's own columns

/** Everything a turn may write, as text, so that two looks can be compared. */
async function everything(): Promise<readonly unknown[]> {
  const tables = [
    'runs',
    'steps',
    'messages',
    'tool_executions',
    'run_events',
    'blocks',
    'conversations',
    'agents',
  ];
  return Promise.all(
    tables.map((table) => rowsOf(`select to_jsonb(t) as row from ${table} t order by to_jsonb(t)::text`)),
  );
}

/** A run whose first reply made these calls. */
async function calling(
  ...calls: readonly ToolEffects[]
): Promise<{ runId: string; agentId: string; blockId: string; step: OpenedStep }> {
  const { id: agentId, blockId } = await insertAgentWithMemory(database.pool);
  const runId = await insertWaitingRun(database.pool, agentId);
  const step = await opened(turns, runId);
  await turns.saveReply(step, replyTo(step, { calls }));
  return { runId, agentId, blockId, step };
}

const append =
  (line: string) =>
  async (memory: MemoryTransaction): Promise<ToolOutcome> => {
    const [block] = await memory.blocks();
    await memory.writeBlock(block!, `${block!.value}\n${line}`);
    return succeeded(`added ${line}`);
  };

const contextOf = (conversationId: string) =>
  rowsOf<{ role: string; text: string }>(
    `select role, coalesce(parts -> 0 ->> 'text', parts -> 0 ->> 'result') as text
       from messages where conversation_id = $1 and in_context order by seq`,
    conversationId,
  );
const blockValue = async (id: string): Promise<string | undefined> =>
  (await rowsOf<{ value: string }>(`select value from blocks where id = $1`, id))[0]?.value;

const superseded = expect.objectContaining({ code: 'SUPERSEDED' }) as unknown;

describe('an operation repeated after its own commit', () => {
  it('changes nothing when a reply is stored again, and the step says what it came to', async () => {
    const { id } = await insertAgentWithMemory(database.pool);
    const step = await opened(turns, await insertWaitingRun(database.pool, id));
    const reply = replyTo(step, { calls: ['read'] });
    const outcome = await turns.saveReply(step, reply);
    expect(await turns.openStep({ runId: step.runId, step: 0 })).toEqual({ stored: outcome });
    const before = await everything();

    await expect(turns.saveReply(step, reply)).rejects.toEqual(superseded);

    expect(await everything()).toEqual(before);
  });

  it('changes nothing when the reply that ended the turn is stored again', async () => {
    const { id } = await insertAgentWithMemory(database.pool);
    const step = await opened(turns, await insertWaitingRun(database.pool, id));
    const reply = replyTo(step);
    await turns.saveReply(step, reply);
    const before = await everything();

    const repeated = await turns.saveReply(step, reply);
    const again = await turns.openStep({ runId: step.runId, step: 0 });
    expect(repeated).toEqual({ end: { stopReason: 'end_turn', next: null } });

    expect(again).toEqual({ stored: { end: { stopReason: 'end_turn', next: null } } });
    expect(await everything()).toEqual(before);
  });

  it('changes nothing when a step is claimed again but for the number of the attempt', async () => {
    const { id } = await insertAgentWithMemory(database.pool);
    const runId = await insertWaitingRun(database.pool, id);

    const first = await opened(turns, runId);
    const second = await opened(turns, runId);

    expect(second).toEqual({ ...first, attempt: first.attempt + 1 });
    expect(await rowsOf(`select from steps where run_id = $1`, runId)).toHaveLength(1);
  });

  it('changes nothing when a result is stored again', async () => {
    const { runId } = await calling('read');
    const tool = await openedTool(turns, runId);
    await turns.saveToolResult(tool, succeeded('found'));
    const before = await everything();

    await expect(turns.saveToolResult(tool, succeeded('found'))).rejects.toEqual(superseded);
    expect(await turns.openTool({ runId, step: 0, index: 0 })).toEqual({ done: {} });
    expect(await turns.settleTool({ runId, step: 0, index: 0, code: 'TIMEOUT' })).toEqual({});

    expect(await everything()).toEqual(before);
  });

  it('changes nothing when a transactional tool runs again', async () => {
    const { runId, blockId } = await calling('transactional');
    const tool = await openedTool(turns, runId);
    await turns.runTransactionalTool(tool, append('once'));
    const before = await everything();

    await expect(turns.runTransactionalTool(tool, append('twice'))).rejects.toEqual(superseded);

    expect(await everything()).toEqual(before);
    expect(await blockValue(blockId)).toBe('start\nonce');
  });

  it('changes nothing when a call is settled again', async () => {
    const { runId } = await calling('once');
    await openedTool(turns, runId);
    const key = { runId, step: 0, index: 0, code: 'TIMEOUT' };
    await turns.settleTool(key);
    const before = await everything();

    expect(await turns.settleTool(key)).toEqual({});

    expect(await everything()).toEqual(before);
  });

  it('changes nothing when a run is closed again, whatever the reason', async () => {
    const { runId, agentId } = await calling('once', 'read');
    const input = { runId, conversationId: agentId, stopReason: 'cancelled', code: 'CANCELLED' } as const;
    const end = await turns.closeRun(input);
    const before = await everything();

    expect(await turns.closeRun(input)).toEqual(end);
    await turns.closeRun({ ...input, stopReason: 'error', code: 'INTERNAL' });

    expect(await everything()).toEqual(before);
  });
});

describe('a superseded attempt', () => {
  it('can show no deltas, store no reply and no error', async () => {
    const { id } = await insertAgentWithMemory(database.pool);
    const runId = await insertWaitingRun(database.pool, id);
    const late = await opened(turns, runId);
    await opened(turns, runId);
    const before = await everything();

    const delta = { type: 'text-delta', messageId: 'm', stepId: late.stepId, index: 0, text: 'x' } as const;
    await expect(turns.appendDeltas(late, [delta], 1)).rejects.toEqual(superseded);
    await expect(turns.saveReply(late, replyTo(late))).rejects.toEqual(superseded);
    await turns.saveStepError(late, { code: 'INTERNAL', errorType: 'x', message: 'x', detail: 'x' });

    expect(await everything()).toEqual(before);
  });

  it('can store no result, and the one that took over can', async () => {
    const { runId } = await calling('read');
    const late = await openedTool(turns, runId);
    const current = await openedTool(turns, runId);
    const before = await everything();

    await expect(turns.saveToolResult(late, succeeded('late'))).rejects.toEqual(superseded);

    expect(await everything()).toEqual(before);
    expect(await turns.saveToolResult(current, succeeded('in time'))).toEqual({});
  });

  it('can store neither a reply nor a result in a run that was closed meanwhile', async () => {
    const { runId, agentId } = await calling('read');
    const tool = await openedTool(turns, runId);
    await turns.saveToolResult(tool, succeeded('found'));
    const step = await opened(turns, runId, 1);
    await turns.closeRun({ runId, conversationId: agentId, stopReason: 'cancelled' });
    const before = await everything();

    await expect(turns.saveReply(step, replyTo(step))).rejects.toEqual(superseded);
    await expect(turns.saveToolResult(tool, succeeded('late'))).rejects.toEqual(superseded);

    expect(await everything()).toEqual(before);
  });

  it('does not repeat a tool that may act only once', async () => {
    const { runId } = await calling('once');
    await openedTool(turns, runId);

    await expect(turns.openTool({ runId, step: 0, index: 0 })).rejects.toMatchObject({ code: 'CONFLICT' });
    await turns.settleTool({ runId, step: 0, index: 0, code: 'TIMEOUT' });

    const [call] = await rowsOf(`select status, attempt from tool_executions where run_id = $1`, runId);
    expect(call).toMatchObject({ status: 'unknown' });
    const [message] = await rowsOf<{ result: string }>(
      `select parts -> 0 ->> 'result' as result from messages where run_id = $1 and role = 'tool'`,
      runId,
    );
    expect(message!.result).toMatch(/unknown.*may or may not have acted/s);
  });
});

it('a turn whose first model call fails stores no message', async () => {
  const { id } = await insertAgentWithMemory(database.pool);
  const runId = await insertWaitingRun(database.pool, id);
  const step = await opened(turns, runId);
  const error = {
    code: 'MODEL_AUTHENTICATION',
    errorType: 'llm_authentication',
    message: 'x',
    detail: 'bad key',
  };
  await turns.saveStepError(step, error);

  await turns.closeRun({
    runId,
    conversationId: id,
    stopReason: 'llm_api_error',
    code: 'MODEL_AUTHENTICATION',
  });

  expect(await rowsOf(`select from messages where agent_id = $1`, id)).toEqual([]);
  const [run] = await rowsOf(`select status, stop_reason, error from runs where id = $1`, runId);
  expect(run).toEqual({ status: 'failed', stop_reason: 'llm_api_error', error });
});

describe('a step with calls', () => {
  it.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 2, 0]]])(
    'enters the context with all of its results at once when they finish in the order %j',
    async (order) => {
      const { runId, agentId } = await calling('read', 'read', 'read');
      const tools = await Promise.all(order.map((index) => openedTool(turns, runId, index)));

      for (const tool of tools.slice(0, 2)) {
        await turns.saveToolResult(tool, succeeded(`result ${tool.index}`));
        expect((await contextOf(agentId)).map(({ role }) => role)).toEqual(['user']);
      }
      await turns.saveToolResult(tools[2]!, succeeded(`result ${tools[2]!.index}`));

      const context = await contextOf(agentId);
      expect(context.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool', 'tool']);
      expect(context.slice(2).map(({ text }) => text).sort()).toEqual(['result 0', 'result 1', 'result 2']); // prettier-ignore
    },
  );

  it('is sealed once when all results come at the same moment', async () => {
    const { runId, agentId } = await calling('read', 'read', 'read', 'read');
    const tools = await Promise.all([0, 1, 2, 3].map((index) => openedTool(turns, runId, index)));

    await Promise.all(tools.map((tool) => turns.saveToolResult(tool, succeeded('found'))));

    expect(await contextOf(agentId)).toHaveLength(6);
  });

  it('runs two transactional calls of one moment one after the other', async () => {
    const { runId, blockId, agentId } = await calling('transactional', 'transactional');
    const tools = await Promise.all([0, 1].map((index) => openedTool(turns, runId, index)));
    let inside = 0;
    const alone = async (memory: MemoryTransaction): Promise<ToolOutcome> => {
      inside += 1;
      expect(inside).toBe(1);
      const outcome = await append('line')(memory);
      inside -= 1;
      return outcome;
    };

    await Promise.all(tools.map((tool) => turns.runTransactionalTool(tool, alone)));

    expect(await blockValue(blockId)).toBe('start\nline\nline');
    expect(await contextOf(agentId)).toHaveLength(4);
  });

  it('ends the turn with its last result when the steps are used up', async () => {
    const { id } = await insertAgentWithMemory(database.pool);
    const runId = await insertWaitingRun(database.pool, id, 'Hi', { max_steps: 1 });
    const step = await opened(turns, runId);
    await turns.saveReply(step, replyTo(step, { calls: ['read', 'read'] }));
    const [first, last] = [await openedTool(turns, runId, 0), await openedTool(turns, runId, 1)];

    expect(await turns.saveToolResult(first, succeeded('a'))).toEqual({});
    const end = { end: { stopReason: 'max_steps', next: null } };
    expect(await turns.saveToolResult(last, succeeded('b'))).toEqual(end);

    expect(await turns.openTool({ runId, step: 0, index: 1 })).toEqual({ done: end });
    const [run] = await rowsOf(`select status, stop_reason from runs where id = $1`, runId);
    expect(run).toEqual({ status: 'completed', stop_reason: 'max_steps' });
  });
});

it('a run that is closed in the middle of its tools leaves a whole transcript that says what is known', async () => {
  const { runId, agentId } = await calling('read', 'once', 'transactional');
  await turns.saveToolResult(await openedTool(turns, runId, 0), succeeded('found'));
  const late = await openedTool(turns, runId, 1);

  await turns.closeRun({ runId, conversationId: agentId, stopReason: 'cancelled', code: 'CANCELLED' });

  const context = await contextOf(agentId);
  expect(context.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool', 'tool']);
  expect(context[2]!.text).toBe('found');
  expect(context[3]!.text).toMatch(/cancelled.*may or may not have acted/s);
  expect(context[4]!.text).toMatch(/cancelled/);
  expect(context[4]!.text).not.toMatch(/may or may not/);
  await expect(turns.saveToolResult(late, succeeded('late'))).rejects.toEqual(superseded);
  const events = await rowsOf<{ type: string }>(
    `select event ->> 'type' as type from run_events where run_id = $1 order by seq`,
    runId,
  );
  expect(events.at(-1)).toEqual({ type: 'run-end' });
});

it('events of a run are numbered from 2 without a gap, deltas and messages alike', async () => {
  const { id } = await insertAgentWithMemory(database.pool);
  const runId = await insertWaitingRun(database.pool, id);
  const step = await opened(turns, runId);
  const delta = { type: 'text-delta', messageId: 'm', stepId: step.stepId, index: 0, text: 'x' } as const;

  await turns.appendDeltas(step, [delta, delta], 1);
  await turns.appendDeltas(step, [delta], 2);
  await turns.saveReply(step, replyTo(step));

  const events = await rowsOf<{ seq: number }>(
    `select seq from run_events where run_id = $1 order by seq`,
    runId,
  );
  expect(events.map(({ seq }) => seq)).toEqual([2, 3, 4, 5, 6]);
});

describe('messages that wait', () => {
  it('follow in the order in which they were stored', async () => {
    const { id } = await insertAgentWithMemory(database.pool);
    const runs = [];
    for (const text of ['first', 'second', 'third'])
      runs.push(await insertWaitingRun(database.pool, id, text));
    // Clocks of several API processes differ: the order is the queue's, not the clock's.
    await database.pool.query(`update runs set created_at = now() - interval '1 hour' where id = $1`, [
      runs[2],
    ]);

    for (const [at, runId] of runs.entries()) {
      const step = await opened(turns, runId);
      const next = runs[at + 1];
      const turn = next ? { runId: next, agentId: id, conversationId: id } : null;
      expect(await turns.saveReply(step, replyTo(step))).toEqual({
        end: { stopReason: 'end_turn', next: turn },
      });
    }
    expect(await turns.findNextTurn(id)).toBeNull();
  });

  it('are closed without being run when they were cancelled', async () => {
    const { id } = await insertAgentWithMemory(database.pool);
    const [first, cancelled, third] = [
      await insertWaitingRun(database.pool, id),
      await insertWaitingRun(database.pool, id, 'no', { cancel_requested_at: new Date() }),
      await insertWaitingRun(database.pool, id),
    ];
    const step = await opened(turns, first);

    const { end } = await turns.saveReply(step, replyTo(step));

    expect(end?.next?.runId).toBe(third);
    const [run] = await rowsOf(`select status, stop_reason, event_seq from runs where id = $1`, cancelled);
    expect(run).toEqual({ status: 'cancelled', stop_reason: 'cancelled', event_seq: 2 });
    await expect(turns.openStep({ runId: cancelled, step: 0 })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});

describe('memory', () => {
  it('that changed elsewhere is told to the model once', async () => {
    const { id, blockId } = await insertAgentWithMemory(database.pool);
    await database.pool.query(
      `update blocks set value = 'edited by hand', version = version + 1 where id = $1`,
      [blockId],
    );

    const step = await opened(turns, await insertWaitingRun(database.pool, id));
    const plan = planStep(step, {
      now: new Date(0),
      noteId: 'note',
      skillsNoteId: 'skills',
      folderNoteId: 'message-folders',
    });
    await turns.saveReply(step, replyTo(step));
    const later = await opened(turns, await insertWaitingRun(database.pool, id));

    expect(plan.newMessages.map(({ role }) => role)).toEqual(['note', 'user']);
    expect(JSON.stringify(plan.newMessages[0]!.parts)).toContain('edited by hand');
    expect(
      planStep(later, {
        now: new Date(0),
        noteId: 'note',
        skillsNoteId: 'skills',
        folderNoteId: 'message-folders',
      }).newMessages.map(({ role }) => role),
    ).toEqual(['user']);
  });

  it('that the agent edited itself in this thread is not told again', async () => {
    const { runId, agentId } = await calling('transactional');
    await turns.runTransactionalTool(await openedTool(turns, runId), append('mine'));
    const second = await opened(turns, runId, 1);
    await turns.saveReply(second, replyTo(second));

    const step = await opened(turns, await insertWaitingRun(database.pool, agentId));

    expect(step.blocks[0]!.value).toBe('start\nmine');
    expect(
      planStep(step, {
        now: new Date(0),
        noteId: 'note',
        skillsNoteId: 'skills',
        folderNoteId: 'message-folders',
      }).newMessages.map(({ role }) => role),
    ).toEqual(['user']);
  });

  it('is rolled back with the call when the tool breaks', async () => {
    const { runId, blockId } = await calling('transactional');
    const tool = await openedTool(turns, runId);
    const before = await everything();

    const broken = turns.runTransactionalTool(tool, async (memory) => {
      await append('half')(memory);
      throw new Error('the process is gone');
    });

    await expect(broken).rejects.toThrow('the process is gone');
    expect(await everything()).toEqual(before);
    expect(await blockValue(blockId)).toBe('start');
  });

  it('that several agents share loses no edit when they write at the same time', async () => {
    const { blockId } = await insertAgentWithMemory(database.pool);
    const write = async (line: string): Promise<void> => {
      const { id } = await insertAgentWithMemory(database.pool, { blockId });
      const runId = await insertWaitingRun(database.pool, id);
      const step = await opened(turns, runId);
      await turns.saveReply(step, replyTo(step, { calls: ['transactional'] }));
      await turns.runTransactionalTool(await openedTool(turns, runId), append(line));
    };
    const lines = Array.from({ length: 8 }, (_, n) => `line ${n}`);

    await Promise.all(lines.map(write));

    const stored = (await blockValue(blockId))!.split('\n');
    expect(stored[0]).toBe('start');
    expect(stored.slice(1).sort()).toEqual(lines);
  });
});

it('characters that Postgres can not store are replaced in replies, results and memory', async () => {
  const { id, blockId } = await insertAgentWithMemory(database.pool);
  const runId = await insertWaitingRun(database.pool, id);
  const step = await opened(turns, runId);
  const bad = 'a\u0000b\ud800c\udc00d \ud83d\ude00';
  const kept = 'a\ufffdb\ufffdc\ufffdd \ud83d\ude00';

  const delta = { type: 'text-delta', messageId: 'm', stepId: step.stepId, index: 0, text: bad } as const;
  await turns.appendDeltas(step, [delta], 1);
  await turns.saveReply(step, replyTo(step, { text: bad, calls: ['transactional', 'read'] }));
  await turns.runTransactionalTool(await openedTool(turns, runId), async (memory) => {
    const [block] = await memory.blocks();
    await memory.writeBlock(block!, bad);
    return succeeded(bad);
  });
  const tool: OpenedTool = await openedTool(turns, runId, 1);
  await turns.saveToolResult(tool, succeeded(bad));

  expect((await contextOf(id)).map(({ text }) => text)).toEqual(['Hi', kept, kept, kept]);
  expect(await blockValue(blockId)).toBe(kept);
  const [event] = await rowsOf(
    `select event ->> 'text' as text from run_events where run_id = $1 and seq = 2`,
    runId,
  );
  expect(event).toEqual({ text: kept });
});

it('a reply leaves the print of its prompt to the next step of the conversation, at whichever worker', async () => {
  const { id: agentId } = await insertAgentWithMemory(database.pool);
  const promptMarks = { head: [5, 7], messages: [[100, 2_345], [50, 3_456]] } as const; // prettier-ignore
  const first = await opened(turns, await insertWaitingRun(database.pool, agentId));
  await turns.saveReply(first, { ...replyTo(first), promptMarks, promptPrefixShare: 0.25 });

  const next = await opened(createTurnStore(database.pool), await insertWaitingRun(database.pool, agentId));

  expect(first.promptBefore).toBeUndefined();
  expect(next.promptBefore).toEqual(promptMarks);
  expect(await rowsOf(`select prompt_prefix_share as share from steps where id = $1`, first.stepId)).toEqual([
    { share: 0.25 },
  ]);
});

it('an attempt that was superseded leaves no print', async () => {
  const { id: agentId } = await insertAgentWithMemory(database.pool);
  const runId = await insertWaitingRun(database.pool, agentId);
  const late = await opened(turns, runId);
  await opened(turns, runId);
  const marks = { head: [1, 1], messages: [] } as const;

  await expect(turns.saveReply(late, { ...replyTo(late), promptMarks: marks })).rejects.toMatchObject({ code: 'SUPERSEDED' }); // prettier-ignore

  expect(await rowsOf(`select prompt_marks from conversations where id = $1`, agentId)).toEqual([{ prompt_marks: null }]); // prettier-ignore
});
