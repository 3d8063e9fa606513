import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { loadConfig, readEnvironment } from '../../config';
import { freePort } from '../../runtime/free-port';
import type { Launched } from '../../runtime/processes/launch';
import { ProcessGuard } from '../../runtime/processes/process-guard';
import { findTemporal } from '../../runtime/temporal/temporal-binary';
import { startTemporal } from '../../runtime/temporal/temporal-server';
import { startCountingTarget, type CountingTarget } from '../support/counting-target';
import { startDoor, type Door } from '../support/door';
import type { FakeOpenAi } from '../support/fake-openai';
import { call, createAgent, runEnd, sendAsync } from '../support/live-api';
import { startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';
import { temporaryFolder, until } from '../support/started';

const home = temporaryFolder();
const guard = new ProcessGuard(home);
let temporal: Launched;
let door: Door;
let operator: Client;
let target: CountingTarget;
let fake: FakeOpenAi;
let database: TestDatabase;
let server: LiveServer;
let url: string;

beforeAll(async () => {
  const temporalPort = await freePort();
  [temporal, target] = await Promise.all([launchTemporal(temporalPort), startCountingTarget()]);
  operator = new Client({ connection: await Connection.connect({ address: `127.0.0.1:${temporalPort}` }) });
  door = await startDoor(`http://127.0.0.1:${temporalPort}`);
  server = await startLiveServer({
    env: { TEMPORAL_ADDRESS: new URL(door.url).host, TEST_COUNTING_TARGET: target.url },
    program: 'test/support/serve-counting-tools.ts',
  });
  ({ database, fake, url } = server);
});
afterAll(async () => {
  await server.stop();
  await Promise.all([operator.connection.close(), door.shut()]);
  temporal.kill('SIGKILL');
  await temporal.exited;
  guard.close();
  await target.close();
  fs.rmSync(home, { recursive: true, force: true });
});

/** A Temporal server that this test may stop. */
async function launchTemporal(port: number): Promise<Launched> {
  const { temporal: settings, cacheFolder, searchPath } = loadConfig(readEnvironment());
  const { signal } = new AbortController();
  const binary = await findTemporal({
    cliPath: settings.cliPath,
    cacheFolder,
    home,
    searchPath,
    progress: () => undefined,
    signal,
  });
  return startTemporal({ binary, home, namespace: 'default', port, uiPort: null, guard }, signal);
}

// Longer than every heartbeat of a turn.
const OUTAGE_MS = 6_000;
const TOOLS = ['look', 'put', 'charge'];
const ORDINARY = Array.from({ length: 16 }, (_, n) => `turn${n}`);
/** Their call of this tool is under way for the whole outage and outlasts it. */
const HELD = TOOLS.flatMap((tool) => [0, 1].map((n) => ({ tool, label: `held-${tool}-${n}` })));
const SLOW_MODEL = Array.from({ length: 8 }, (_, n) => `slow${n}`);

interface Turn {
  readonly agentId: string;
  readonly runId: string;
  readonly label: string;
}

/** A turn with one call of each class. */
async function begin(label: string, { delayMs = 250 } = {}): Promise<Turn> {
  const { id: agentId } = await createAgent(url, { tools: TOOLS, include_base_tools: false });
  const calls = TOOLS.map((tool) => `CALL ${tool} ${JSON.stringify({ label: `${label}-${tool}` })}`);
  const text = [`DELAY ${delayMs}`, calls.join(`\nTHEN\nDELAY ${delayMs}\n`)].join('\n');
  return { agentId, label, runId: await sendAsync(url, agentId, text) };
}

/** The attempt of the run's activity that is under way, as Temporal has it; 0 when it knows of none. */
async function attemptOf({ runId }: Turn): Promise<number> {
  for await (const { workflowId } of operator.workflow.list({ query: `AgentRunId = "${runId}"` })) {
    const { raw } = await operator.workflow.getHandle(workflowId).describe();
    return raw.pendingActivities?.[0]?.attempt ?? 0;
  }
  return 0;
}

/** The types of what a thread holds, in order, without what an agent begins with. */
async function typesOf({ agentId, runId }: Turn): Promise<readonly string[]> {
  const messages = await call<{ message_type: string; run_id: string }[]>(
    url,
    'GET',
    `/v1/agents/${agentId}/messages?order=asc&limit=100`,
  );
  return messages.filter((message) => message.run_id === runId).map((message) => message.message_type);
}

const countOf = async (sql: string): Promise<number> =>
  (await database.pool.query<{ n: number }>(`select count(*)::int as n from ${sql}`)).rows[0]!.n;

it('an outage of Temporal longer than the heartbeats costs no turn, no message and no second effect', async () => {
  for (const { tool, label } of HELD) target.hold(`${label}-${tool}`, { isRecorded: true });
  const held = await Promise.all(HELD.map(({ label }) => begin(label, { delayMs: 0 })));
  await until(() => HELD.every(({ tool, label }) => target.calls(`${label}-${tool}`) === 1));
  const slow = await Promise.all(SLOW_MODEL.map((label) => begin(label, { delayMs: 7_000 })));
  const ordinary = await Promise.all(ORDINARY.map((label) => begin(label)));

  temporal.kill('SIGSTOP');
  door.hold();
  await sleep(OUTAGE_MS); // The outage itself is what is tried, so its length is given.
  temporal.kill('SIGCONT');
  // A heartbeat that got through before Temporal looks at its timers would keep its attempt, so none does.
  const repeatable = HELD.map((each, n) => ({ ...each, turn: held[n]! })).filter(
    ({ tool }) => tool !== 'charge',
  );
  const callsOf = ({ tool, label }: (typeof HELD)[number]) => target.calls(`${label}-${tool}`);
  await until(async () =>
    (await Promise.all(repeatable.map(({ turn }) => attemptOf(turn)))).every((attempt) => attempt > 1),
  );
  door.release();
  // Second attempts are at work before the first ones come to their end.
  await until(
    () => repeatable.every((each) => callsOf(each) > 1),
    30_000,
    () => repeatable.map((each) => `${each.label}: ${callsOf(each)}`).join(', '),
  );
  for (const { tool, label } of HELD) target.release(`${label}-${tool}`);
  const turns = [...held, ...slow, ...ordinary];
  const ends = await Promise.all(turns.map(({ runId }) => runEnd(url, runId, 120_000)));

  expect(ends.map(({ stop_reason: reason }) => reason)).toEqual(turns.map(() => 'end_turn'));
  const step = ['tool_call_message', 'tool_return_message'];
  for (const turn of turns) {
    expect(await typesOf(turn)).toEqual(['user_message', ...step, ...step, ...step, 'assistant_message']);
    expect(target.effects(`${turn.label}-charge`)).toHaveLength(1);
    expect(new Set(target.effects(`${turn.label}-put`)).size).toBe(1);
    expect(target.effects(`${turn.label}-look`).length).toBeGreaterThan(0);
  }
  expect(await countOf(`tool_executions where status <> 'done'`)).toBe(0);
  expect(fake.problems).toEqual([]);
  // Attempts were superseded: otherwise nothing was tried here.
  expect(await countOf(`tool_executions where attempt > 1`)).toBeGreaterThan(0);
  expect(await countOf(`steps where attempt > 1`)).toBeGreaterThan(0);
});
