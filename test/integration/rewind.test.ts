import { readEvents } from '../../db/run-events';
import { createTurnStore } from '../../db/turns';
import type { RunEvent } from '../../domain/run-event';
import type { StepKey } from '../../domain/turn';
import { insertAgent, insertRun } from '../support/rows';
import { createTestDatabase, type TestDatabase } from '../support/stack';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const request = JSON.stringify({ messages: [], approvals: null, overrideModel: null, overrideSystem: null });

async function startRun(): Promise<StepKey> {
  const agentId = await insertAgent(database.pool);
  const columns = { status: 'running', stop_reason: null, stream_tokens: true, request };
  return { runId: await insertRun(database.pool, agentId, columns), step: 0 };
}

async function claim(key: StepKey) {
  const claimed = await createTurnStore(database.pool).openStep(key);
  if (!('opened' in claimed)) throw new Error('the step is closed already');
  return claimed.opened;
}

const delta = (stepId: string, text: string): RunEvent => ({
  type: 'text-delta',
  messageId: 'message-1',
  stepId,
  index: 0,
  text,
});
const eventsOf = async ({ runId }: StepKey) =>
  (await readEvents(database.pool, runId, 0, 100)).map(({ seq, event }) => ({
    seq,
    type: event.type,
    event,
  }));

it('a model call that is begun anew voids what its lost attempts streamed, and only that', async () => {
  const store = createTurnStore(database.pool);
  const key = await startRun();
  const first = await claim(key);
  await store.appendDeltas(first, [delta(first.stepId, 'Hel')], 1);

  const second = await claim(key);
  await store.appendDeltas(second, [delta(second.stepId, 'Hello')], 1);
  await claim(key);

  const events = await eventsOf(key);
  expect(events.map(({ type }) => type)).toEqual(['text-delta', 'rewind', 'text-delta', 'rewind']);
  const rewinds = events.filter(({ type }) => type === 'rewind').map(({ event }) => event);
  expect(rewinds).toEqual([
    { type: 'rewind', fromSeq: events[0]!.seq, stepId: first.stepId },
    { type: 'rewind', fromSeq: events[2]!.seq, stepId: first.stepId },
  ]);
});

it('a model call that is begun anew says nothing when nothing was streamed', async () => {
  const key = await startRun();
  await claim(key);
  await claim(key);

  expect(await eventsOf(key)).toEqual([]);
});
