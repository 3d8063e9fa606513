import { createPool } from '../../db/pool';
import { createTurnStore } from '../../db/turns';
import { readEvents } from '../../db/run-events';
import type { RunEvent } from '../../domain/run-event';
import type { TurnStore } from '../../domain/turn-store';
import { startDoor } from '../support/door';
import { createTestDatabase, type TestDatabase } from '../support/stack';
import { insertAgentWithMemory, insertWaitingRun, opened, replyTo } from '../support/turn-rows';

let database: TestDatabase;
let turns: TurnStore;
beforeAll(async () => {
  database = await createTestDatabase();
  turns = createTurnStore(database.pool);
});
afterAll(() => database.drop());

async function startStep(columns: Readonly<Record<string, unknown>> = {}) {
  const { id: agentId } = await insertAgentWithMemory(database.pool);
  const runId = await insertWaitingRun(database.pool, agentId, 'Hi', columns);
  return { agentId, runId, step: await opened(turns, runId) };
}

type Kind = 'text-delta' | 'reasoning-delta';
const delta = (stepId: string, type: Kind, index: number, text: string): RunEvent => ({
  type,
  messageId: `message-of-${stepId}`,
  stepId,
  index,
  text,
});
const rowsOf = async <T>(sql: string, ...values: readonly unknown[]): Promise<T[]> =>
  (await database.pool.query(sql, [...values])).rows as T[]; // each query's own columns

describe('a received reply', () => {
  it('that is stored a second time by the same attempt gives the outcome of the first', async () => {
    const { runId, step } = await startStep();
    const reply = replyTo(step);

    const first = await turns.saveReply(step, reply);
    const second = await turns.saveReply(step, reply);

    expect(second).toEqual(first);
    expect(
      await rowsOf(`select id from messages where run_id = $1 and role = 'assistant'`, runId),
    ).toHaveLength(1);
  });

  it('waits in memory while Postgres is away', async () => {
    const { runId, step } = await startStep();
    const door = await startDoor(database.url);
    const pool = createPool(door.url, { max: 2, onError: () => undefined });
    await door.shut();

    const saving = createTurnStore(pool).saveReply(step, replyTo(step));
    setTimeout(() => void door.open(), 500);

    expect(await saving).toMatchObject({ end: { stopReason: 'end_turn' } });
    expect(await rowsOf(`select status from runs where id = $1`, runId)).toEqual([{ status: 'completed' }]);
    await pool.end();
    await door.shut();
  });
});

it('a batch of deltas whose first write was not acknowledged is stored once', async () => {
  const { runId, step } = await startStep();
  const batch = [delta(step.stepId, 'text-delta', 0, 'Hel')];

  await turns.appendDeltas(step, batch, 1);
  await turns.appendDeltas(step, batch, 1);
  await turns.appendDeltas(step, [delta(step.stepId, 'text-delta', 0, 'lo')], 2);

  const events = await readEvents(database.pool, runId, 0, 10);
  expect(events.map(({ event }) => 'text' in event && event.text)).toEqual(['Hel', 'lo']);
});

describe('a turn that is cancelled while its reply streams', () => {
  it('keeps what was read, under the id it had, behind its input', async () => {
    const { agentId, runId, step } = await startStep();
    const shown = [
      delta(step.stepId, 'reasoning-delta', 0, 'Hm.'),
      delta(step.stepId, 'text-delta', 1, 'Once upon '),
      delta(step.stepId, 'text-delta', 1, 'a time'),
    ];
    const call: RunEvent = { type: 'tool-call-delta', messageId: `message-of-${step.stepId}`, stepId: step.stepId, index: 2, callId: 'c', name: 'x', arguments: '{"a' }; // prettier-ignore
    await turns.appendDeltas(step, [...shown, call], 1);

    await turns.closeRun({ runId, conversationId: agentId, stopReason: 'cancelled', code: 'CANCELLED' });

    const kept = await rowsOf<{ id: string; role: string; parts: unknown; in_context: boolean }>(
      `select id, role, parts, in_context from messages where run_id = $1 order by seq`,
      runId,
    );
    expect(kept.map(({ role }) => role)).toEqual(['user', 'assistant']);
    expect(kept[1]).toEqual({
      id: `message-of-${step.stepId}`,
      role: 'assistant',
      in_context: true,
      parts: [
        { type: 'reasoning', text: 'Hm.', signature: null },
        { type: 'text', text: 'Once upon a time' },
      ],
    });
    const [row] = await rowsOf(
      `select status, message_id, lost_completion_tokens from steps where id = $1`,
      step.stepId,
    );
    // 3 + 10 + 6 characters at four each.
    expect(row).toEqual({ status: 'cancelled', message_id: kept[1]!.id, lost_completion_tokens: 5 });
  });

  it('keeps nothing of an attempt that was rewound, and nothing where no text was read', async () => {
    const { agentId, runId, step } = await startStep();
    await turns.appendDeltas(step, [delta(step.stepId, 'text-delta', 0, 'void')], 1);
    await opened(turns, runId);

    await turns.closeRun({ runId, conversationId: agentId, stopReason: 'cancelled', code: 'CANCELLED' });

    expect(await rowsOf(`select id from messages where run_id = $1`, runId)).toEqual([]);
  });

  it('keeps nothing when it failed instead', async () => {
    const { agentId, runId, step } = await startStep();
    await turns.appendDeltas(step, [delta(step.stepId, 'text-delta', 0, 'half')], 1);

    await turns.closeRun({
      runId,
      conversationId: agentId,
      stopReason: 'llm_api_error',
      code: 'MODEL_UNAVAILABLE',
    });

    expect(await rowsOf(`select id from messages where run_id = $1`, runId)).toEqual([]);
  });
});

describe('a response that was begun', () => {
  it('is handed to the next attempt with what was shown of it, without a rewind', async () => {
    const { runId, step } = await startStep();
    await turns.beginResponse(step, 'resp_1');
    await turns.appendDeltas(step, [delta(step.stepId, 'text-delta', 0, 'Hel')], 1);

    const again = await opened(turns, runId);

    expect(again.begun).toEqual({ id: 'resp_1', attempt: 1, shown: 1 });
    expect((await readEvents(database.pool, runId, 0, 10)).map(({ event }) => event.type)).toEqual([
      'text-delta',
    ]);
    await expect(turns.beginResponse(step, 'resp_2')).rejects.toMatchObject({ code: 'SUPERSEDED' });
  });

  it('that is gone is forgotten, voided for watchers and counted in the step', async () => {
    const { runId, step } = await startStep();
    await turns.beginResponse(step, 'resp_1');
    await turns.appendDeltas(step, [delta(step.stepId, 'text-delta', 0, 'Hello')], 1);

    await turns.loseResponse(await opened(turns, runId));

    expect((await opened(turns, runId)).begun).toBeUndefined();
    expect((await readEvents(database.pool, runId, 0, 10)).map(({ event }) => event.type)).toEqual(['text-delta', 'rewind']); // prettier-ignore
    const [row] = await rowsOf(
      `select lost_attempts, lost_completion_tokens from steps where id = $1`,
      step.stepId,
    );
    expect(row).toEqual({ lost_attempts: 1, lost_completion_tokens: 2 });
  });
});
