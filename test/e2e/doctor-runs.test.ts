import Letta from '@letta-ai/letta-client';
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { createClosings } from '../../api/closings';
import { createRunWatcher } from '../../api/run-watcher';
import { createTurnClient, type TurnClient } from '../../api/turn-client';
import { createListener, type Listener } from '../../db/listener';
import { RUN_EVENTS_CHANNEL } from '../../db/run-events';
import { derivedId } from '../../new-id';
import { codesOf, examine, repair } from '../support/doctor-visit';
import type { FakeOpenAi } from '../support/fake-openai';
import { runEnd } from '../support/live-api';
import { insertMessage, insertStep } from '../support/rows';
import { startLiveServer, type LiveServer } from '../support/live-server';
import { testTemporalAddress, type TestDatabase } from '../support/stack';
import { until } from '../support/started';
import { startTestApi, type TestApi } from '../support/test-api';
import { insertWaitingRun } from '../support/turn-rows';

// Runs that nobody holds. The API is one without a sweeper, which would take them up before the doctor looks.

const TASK_QUEUE = 'doctor-runs';
const HOUR_AGO = new Date(Date.now() - 3_600_000);

let database: TestDatabase;
let fake: FakeOpenAi;
let server: LiveServer;
let temporal: NativeConnection;
let api: TestApi;
let listener: Listener;
let turns: TurnClient;
let client: Letta;

beforeAll(async () => {
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: 'OFF' } },
  });
  [server, temporal] = await Promise.all([
    startLiveServer({ roles: ['worker'], env: { TEMPORAL_TASK_QUEUE: TASK_QUEUE } }),
    NativeConnection.connect({ address: testTemporalAddress() }),
  ]);
  ({ database, fake } = server);
  turns = createTurnClient(new Client({ connection: temporal }), {
    taskQueue: TASK_QUEUE,
    isSearchable: false,
    closings: createClosings(),
  });
  const watcher = createRunWatcher();
  listener = await createListener(database.url, {
    channels: [RUN_EVENTS_CHANNEL],
    onNotice: (_channel, payload) => watcher.notify(payload),
    onGap: () => watcher.wakeAll(),
    onError: () => undefined,
  });
  api = await startTestApi({ db: database.pool, turns, watcher });
  client = new Letta({ baseURL: api.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await api.close();
  await listener.close();
  await server.stop();
  await temporal.close();
});
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

const sql = async <T>(text: string, ...values: readonly unknown[]): Promise<T[]> =>
  (await database.pool.query(text, [...values])).rows as T[]; // each query's own columns
const agentAfterOneTurn = async (): Promise<{ agentId: string; runId: string }> => {
  const agent = await client.agents.create({
    model: 'openai/gpt-4.1',
    memory_blocks: [{ label: 'notes', value: 'nothing yet' }],
    include_base_tools: false,
  });
  const { messages } = await client.agents.messages.create(agent.id, {
    messages: [{ role: 'user', content: 'Hi' }],
  });
  // The answer is there a moment before the workflow behind it has closed.
  await until(async () => !(await turns.isHeld(agent.id)));
  return { agentId: agent.id, runId: messages.at(-1)!.run_id! };
};
async function answers(agentId: string): Promise<void> {
  const next = await client.agents.messages.create(agentId, {
    messages: [{ role: 'user', content: 'SAY still here' }],
  });
  expect(next.messages.at(-1)).toMatchObject({ content: 'still here' });
}
async function isRepaired(agentId: string, code: string): Promise<void> {
  expect(codesOf(await examine(api.url, agentId))).toEqual([code]);
  expect((await repair(api.url, agentId)).findings).toMatchObject([
    { code, repairable: true, repaired: true },
  ]);
  expect((await repair(api.url, agentId)).findings).toEqual([]);
}

it('a run that was stored and never started is handed to Temporal', async () => {
  const { agentId } = await agentAfterOneTurn();
  const runId = await insertWaitingRun(database.pool, agentId, 'SAY late', { created_at: HOUR_AGO });

  await isRepaired(agentId, 'stuck_run');

  expect(await runEnd(api.url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  await answers(agentId);
});

it('a turn that Temporal has lost goes on where it stopped', async () => {
  const { agentId } = await agentAfterOneTurn();
  const times = { created_at: HOUR_AGO, started_at: HOUR_AGO };
  const runId = await insertWaitingRun(database.pool, agentId, 'SAY late', { ...times, status: 'running' });
  const id = derivedId('step', runId, 0);
  await insertStep(database.pool, runId, agentId, { id, status: 'pending', started_at: HOUR_AGO });

  await isRepaired(agentId, 'stuck_run');

  expect(await runEnd(api.url, runId)).toMatchObject({ status: 'completed' });
  await answers(agentId);
});

it('a run whose turn has ended already is closed with that end, and the message behind it begins', async () => {
  const { agentId, runId } = await agentAfterOneTurn();
  await sql(`update runs set status = 'running', stop_reason = null, completed_at = null, created_at = $2, started_at = $2 where id = $1`, runId, HOUR_AGO); // prettier-ignore
  await sql(`update steps set started_at = $2, completed_at = $2 where run_id = $1`, runId, HOUR_AGO);
  await sql(`update run_events set created_at = $2 where run_id = $1`, runId, HOUR_AGO);
  const behind = await insertWaitingRun(database.pool, agentId, 'SAY me too');

  await isRepaired(agentId, 'run_that_cannot_go_on');

  expect(await runEnd(api.url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  expect(await runEnd(api.url, behind)).toMatchObject({ status: 'completed' });
  await answers(agentId);
});

it('a message that joined a turn which is over ends as that turn did', async () => {
  const { agentId, runId } = await agentAfterOneTurn();
  const times = { created_at: HOUR_AGO, started_at: HOUR_AGO };
  const joined = await insertWaitingRun(database.pool, agentId, 'And this', { ...times, status: 'running', joined_run_id: runId }); // prettier-ignore

  await isRepaired(agentId, 'run_that_cannot_go_on');

  expect(await runEnd(api.url, joined)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  await answers(agentId);
});

it('a turn that a workflow holds is not stuck, however long it is silent', async () => {
  const { agentId } = await agentAfterOneTurn();
  const run = await client.agents.messages.createAsync(agentId, { messages: [{ role: 'user', content: 'DELAY 1500\nSAY done' }] }); // prettier-ignore
  await sql(`update runs set created_at = $2, started_at = $2 where id = $1`, run.id, HOUR_AGO);
  await sql(`update steps set started_at = $2 where run_id = $1`, run.id, HOUR_AGO);

  expect((await repair(api.url, agentId)).findings).toEqual([]);

  expect(await runEnd(api.url, run.id)).toMatchObject({ status: 'completed' });
});

it('a thread over its context window is reported with its numbers', async () => {
  const { agentId } = await agentAfterOneTurn();
  await insertMessage(database.pool, agentId, {
    role: 'user',
    parts: [{ type: 'text', text: 'word '.repeat(20_000) }],
  });
  await sql(
    `update agents set llm_config = llm_config || '{"context_window": 16000}' where id = $1`,
    agentId,
  );

  const { findings, is_healthy: isHealthy } = await repair(api.url, agentId);

  expect(isHealthy).toBe(false);
  expect(findings).toMatchObject([
    {
      code: 'context_over_window',
      repairable: false,
      repaired: false,
      repair: expect.stringContaining('compaction'),
    },
  ]);
  const facts = findings[0]!.facts as Record<string, number>;
  expect(facts).toMatchObject({ context_window: 16_000, last_prompt_tokens: expect.any(Number) });
  expect(facts['estimated_tokens']).toBeGreaterThan(25_000);
  expect(facts['estimated_tokens']).toBeLessThan(26_000);
  await answers(agentId);
});
