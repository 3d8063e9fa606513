import { Client, Connection } from '@temporalio/client';
import { createPool, type Pool } from '../db/pool';
import { turnWorkflowId } from '../domain/turn';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startFakeOpenAI, type FakeReply, type FakeRequest } from '../test/support/fake-openai';
import { callApi } from './client';
import { startCoordinator } from './coordinator';
import { startLane, type Lane } from './lane';
import { onStopRequests } from './stop-requests';
import { startServices, type Services } from './services';

// One turn of thousands of steps, killed on the way. Each step counts a memory block up by one, so the block says at the
// end whether every step happened once. `npm run prove:long-turn -- --steps 10000 --kills 10`

const START = 'count 0';

/** Reads the count from the last tool result, which shows the block, and counts on. */
const counting =
  (last: number) =>
  ({ turns, system }: FakeRequest): FakeReply => {
    const shown = turns.findLast(({ role }) => role === 'tool')?.text ?? system;
    const count = Number(/count (\d+)/.exec(shown)?.[1] ?? 0);
    if (count >= last) return { text: `Counted to ${count}.` };
    const args = { label: 'human', old_string: `count ${count}`, new_string: `count ${count + 1}` };
    return { toolCalls: [{ name: 'memory_replace', arguments: args }] };
  };

const VICTIMS = ['server', 'temporal', 'postgres'] as const;
type Victim = (typeof VICTIMS)[number];

async function strike(victim: Victim, lane: Lane, services: Services): Promise<void> {
  if (victim === 'server') {
    await lane.kill(victim);
    await lane.restart(victim);
  } else {
    await services.kill(victim);
    await services.restart(victim);
  }
}

/** Follows the turn to its end and kills one process after the other at even distances. */
async function follow(
  turn: {
    readonly runId: string;
    readonly steps: number;
    readonly kills: number;
    readonly stop: AbortSignal;
  },
  { pool, lane, services }: { readonly pool: Pool; readonly lane: Lane; readonly services: Services },
): Promise<string> {
  let killed = 0;
  let last = -1;
  for (;;) {
    await sleep(100);
    if (turn.stop.aborted) return 'not awaited to its end';
    const status = await ask<{ status: string; steps: number }>(
      pool,
      `select r.status, (select count(*) from steps where run_id = r.id and status = 'success') as steps
         from runs r where r.id = $1`,
      turn.runId,
    );
    if (!status) continue;
    if (status.steps >= last + 500) {
      last = status.steps;
      say(`step ${last}`);
    }
    if (!['created', 'running'].includes(status.status)) return status.status;
    if (killed >= turn.kills || status.steps < ((killed + 1) * turn.steps) / (turn.kills + 1)) continue;
    const victim = VICTIMS[killed % VICTIMS.length] ?? 'server';
    say(`step ${status.steps}: kill -9 of ${victim}`);
    await strike(victim, lane, services);
    killed += 1;
  }
}

/** One row; null while Postgres is away. */
async function ask<Row extends object>(pool: Pool, sql: string, id: string): Promise<Row | null> {
  try {
    return (await pool.query<Row>(sql, [id])).rows[0] ?? null;
  } catch {
    return null; // It was killed on purpose; the next look finds it.
  }
}

interface Chapter {
  readonly steps: number;
  readonly events: number;
  readonly bytes: number;
}

/** The workflow runs of the turn in order: continue-as-new makes one of each few hundred steps. */
async function readChapters(address: string, agentId: string): Promise<readonly Chapter[]> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection });
  const chapters: (Chapter & { readonly at: number })[] = [];
  for await (const execution of client.workflow.list({
    query: `WorkflowId = '${turnWorkflowId(agentId)}'`,
  })) {
    const handle = client.workflow.getHandle(execution.workflowId, execution.runId);
    const { historyLength, historySize } = await handle.describe();
    const { events = [] } = await handle.fetchHistory();
    const steps = (events ?? []).filter(
      ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name === 'callModel',
    ).length;
    chapters.push({
      steps,
      events: historyLength,
      bytes: historySize ?? 0,
      at: execution.startTime.getTime(),
    });
  }
  await connection.close();
  return chapters.sort((a, b) => a.at - b.at).filter(({ steps }) => steps > 0);
}

async function report(pool: Pool, turn: { runId: string; agentId: string; steps: number }, address: string) {
  const chapters = await readChapters(address, turn.agentId);
  const perStep = ({ steps, events, bytes }: Chapter) =>
    `${(events / steps).toFixed(2)} events and ${Math.round(bytes / steps)} bytes of history a step (${steps} steps)`;
  const [first, last] = [chapters[0], chapters.at(-1)];
  if (!first || !last) throw new Error('Temporal has no history of the turn');
  say(
    `histories: ${chapters.length}; with step 10: ${perStep(first)}; with step ${turn.steps}: ${perStep(last)}`,
  );
  const { rows } = await pool.query<{
    steps: number;
    early: number;
    late: number;
    value: string;
    odd: number;
  }>(
    `with took as (select index, extract(epoch from lead(started_at) over (order by index) - started_at) * 1000 as ms
                     from steps where run_id = $1)
     select (select count(*) from steps where run_id = $1 and status = 'success') as steps,
            (select percentile_cont(0.5) within group (order by ms) from took where index between 5 and 105) as early,
            (select percentile_cont(0.5) within group (order by ms) from took where index > $3 - 105) as late,
            (select b.value from agent_blocks ab join blocks b on b.id = ab.block_id where ab.agent_id = $2) as value,
            (select count(*) from tool_executions where run_id = $1 and status <> 'done') as odd`,
    [turn.runId, turn.agentId, turn.steps],
  );
  const row = rows[0];
  if (!row) throw new Error('the database has nothing of the turn');
  say(
    `a step takes ${Math.round(row.early)} ms around step 10 and ${Math.round(row.late)} ms at the end (p50)`,
  );
  say(`steps stored: ${row.steps}; the block says "${row.value}"; calls not done: ${row.odd}`);
  return row.steps === turn.steps && row.value === `count ${turn.steps - 1}` && row.odd === 0;
}

const say = (line: string): void =>
  void process.stdout.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`);

async function main(): Promise<void> {
  const options = {
    steps: { type: 'string', default: '10000' },
    kills: { type: 'string', default: '10' },
  } as const;
  const { values } = parseArgs({ options });
  const [steps, kills] = [Number(values.steps), Number(values.kills)];
  const stops = onStopRequests(say);
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-long-turn-'));
  const [services, fake, coordinator] = await Promise.all([
    startServices(home, stops.now),
    startFakeOpenAI({ record: false, script: counting(steps - 1) }),
    startCoordinator(),
  ]);
  const setup = { coordinatorUrl: coordinator.url, isLedgerOff: false, toolsFile: null };
  const lane = await startLane({ number: 0, isSplit: false, home, services, modelUrl: fake.url, setup });
  const pool = createPool(services.databaseUrl, { max: 4, onError: () => undefined });
  try {
    const post = (where: string, body: object) =>
      callApi<{ id: string }>(lane.url, { method: 'POST', path: where, body }, stops.windUp);
    const agent = await post('/v1/agents/', {
      model: 'openai/gpt-4.1',
      memory_blocks: [{ label: 'human', value: START }],
    });
    const run = await post(`/v1/agents/${agent.id}/messages/async`, {
      input: `Count to ${steps - 1}.`,
      max_steps: steps,
    });
    const startedAt = Date.now();
    const status = await follow(
      { runId: run.id, steps, kills, stop: stops.windUp },
      { pool, lane, services },
    );
    const seconds = (Date.now() - startedAt) / 1000;
    say(
      `the run is ${status} after ${seconds.toFixed(0)} s; the model was asked ${fake.count} times, ${kills} kills`,
    );
    const isWhole = await report(pool, { runId: run.id, agentId: agent.id, steps }, services.temporalAddress);
    process.exitCode = status === 'completed' && isWhole ? 0 : 1;
  } finally {
    await lane.stop();
    await pool.end();
    await services.stop();
    await Promise.all([fake.close(), coordinator.close()]);
    fs.rmSync(home, { recursive: true, force: true });
  }
}

if (require.main === module) void main();
