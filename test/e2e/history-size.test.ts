import { Client, Connection } from '@temporalio/client';
import { turnWorkflowId } from '../../domain/turn';
import type { FakeOpenAi } from '../support/fake-openai';
import { createAgent, runEnd, sendAsync } from '../support/live-api';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { testTemporalAddress } from '../support/stack';
import { until } from '../support/started';

const STEPS = 20;
const MAX_EVENTS_PER_STEP = 12;
const MAX_BYTES_PER_STEP = 2_000;

let fake: FakeOpenAi;
let server: LiveServer;
let connection: Connection;

beforeAll(async () => {
  server = await startLiveServer();
  ({ fake } = server);
  connection = await Connection.connect({ address: testTemporalAddress() });
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

it('a turn of twenty steps leaves at most 12 events and 2 KB of history a step, however long its messages are', async () => {
  const url = server.url;
  const agent = await createAgent(url);
  const fact = 'x'.repeat(1_000);
  const text = `REPEAT ${STEPS - 1} CALL memory_insert {"label":"human","new_string":"${fact}"}`;
  const run = await runEnd(url, await sendAsync(url, agent.id, text));
  expect(run).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  expect(fake.count).toBe(STEPS);

  const handle = new Client({ connection }).workflow.getHandle(turnWorkflowId(agent.id));
  await until(async () => (await handle.describe()).status.name === 'COMPLETED');
  const { historyLength, historySize } = await handle.describe();

  expect(historyLength / STEPS).toBeLessThanOrEqual(MAX_EVENTS_PER_STEP);
  expect(historySize).toBeGreaterThan(0);
  expect((historySize ?? 0) / STEPS).toBeLessThanOrEqual(MAX_BYTES_PER_STEP);
});
