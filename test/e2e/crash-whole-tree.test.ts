import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { BLOCK_AFTER, createFiveSteps, createGate } from '../support/five-steps';
import { startFakeOpenAI, type FakeOpenAi } from '../support/fake-openai';
import { blockValue, call, createAgent, runEnd, sendAsync, transcript } from '../support/live-api';
import { descendants, isAlive, startEverturn, temporaryFolder, until, type Started } from '../support/started';

jest.setTimeout(90_000);

const home = path.join(temporaryFolder(), 'data folder');
const steps = createFiveSteps();
let fake: FakeOpenAi;
let everturn: Started;
let url: string;
let database: Client;

beforeAll(async () => {
  fake = await startFakeOpenAI({ script: steps.script });
  await startAgain();
});
afterAll(async () => {
  await database.end().catch(() => undefined); // It may have died with its server.
  everturn.kill('SIGTERM');
  await everturn.ended;
  await fake.close();
  fs.rmSync(path.dirname(home), { recursive: true, force: true });
});

async function startAgain(): Promise<void> {
  everturn = startEverturn(
    {
      EVERTURN_HOME: home,
      PORT: '0',
      OPENAI_API_KEY: 'sk-test',
      OPENAI_BASE_URL: fake.url,
      LOG_LEVEL: 'warn',
    },
    'dist/runtime/main.js',
  );
  url = await everturn.ready();
  const { postgres } = JSON.parse(fs.readFileSync(path.join(home, 'ports.json'), 'utf8')) as {
    postgres: number;
  };
  const password = fs.readFileSync(path.join(home, 'postgres.password'), 'utf8').trim();
  database = new Client({ host: '127.0.0.1', port: postgres, user: 'everturn', password, database: 'everturn' });
  database.on('error', () => undefined); // Its server is killed on purpose.
  await database.connect();
}

const temporalPid = (): number =>
  (
    JSON.parse(fs.readFileSync(path.join(home, 'processes.json'), 'utf8')) as { name: string; pid: number }[]
  ).find(({ name }) => name === 'temporal')!.pid;

/** kill -9 for every process of the tree, the watchdog first, so that nothing gets to say goodbye. */
async function killTree(): Promise<void> {
  everturn.kill('SIGSTOP'); // Else it would replace what dies before it.
  const processes = descendants(everturn.pid);
  for (const pid of [...processes, everturn.pid]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Postgres' own children end with their parent.
    }
  }
  await everturn.ended;
  await until(() => !processes.some(isAlive), 10_000);
}

const count = async (sql: string, value: string): Promise<number> =>
  (await database.query<{ n: number }>(`select count(*)::int as n ${sql}`, [value])).rows[0]!.n;

interface Agent {
  readonly id: string;
  readonly blockId: string;
}
interface CrashPoint {
  readonly name: string;
  /** How often each of the five steps is asked for, over both lives. */
  readonly asked: readonly number[];
  /** Starts the turn and brings it to the point; returns the run. */
  reach(agent: Agent): Promise<string>;
}

const begin = (agent: Agent): Promise<string> => sendAsync(url, agent.id, 'do the five steps');

/** Everything that writes to the block waits, the memory tool inside its transaction. */
const lockBlock = (blockId: string) =>
  database.query(`begin; select from blocks where id = '${blockId}' for update`);
const waitingForLock = () =>
  until(
    async () => (await count(`from pg_stat_activity where wait_event_type = 'Lock' and datname = $1`, 'everturn')) > 0,
    10_000,
  );

const POINTS: readonly CrashPoint[] = [
  {
    name: 'during a model call',
    asked: [1, 1, 2, 1, 1],
    async reach(agent) {
      const gate = createGate();
      steps.begin({ step: 2, gate });
      const runId = await begin(agent);
      await gate.reached;
      return runId;
    },
  },
  {
    name: 'after a reply was stored and before Temporal heard of it',
    asked: [1, 1, 1, 1, 1],
    async reach(agent) {
      const gate = createGate();
      steps.begin({ step: 2, gate });
      const runId = await begin(agent);
      await gate.reached;
      process.kill(temporalPid(), 'SIGSTOP');
      gate.open();
      const stored = `from steps where run_id = $1 and index = 2 and status = 'success'`;
      await until(async () => (await count(stored, runId)) === 1, 10_000);
      return runId;
    },
  },
  {
    name: 'during a tool',
    asked: [1, 1, 1, 1, 1],
    async reach(agent) {
      const gate = createGate();
      steps.begin({ step: 2, gate });
      const runId = await begin(agent);
      await gate.reached;
      await lockBlock(agent.blockId);
      gate.open();
      await waitingForLock();
      return runId;
    },
  },
  {
    name: "after a tool's effect was stored and before Temporal heard of it",
    asked: [1, 1, 1, 1, 1],
    async reach(agent) {
      const gate = createGate();
      steps.begin({ step: 2, gate });
      const runId = await begin(agent);
      await gate.reached;
      await lockBlock(agent.blockId);
      gate.open();
      await waitingForLock();
      process.kill(temporalPid(), 'SIGSTOP');
      await database.query('commit');
      await until(async () => (await count('from tool_executions where run_id = $1', runId)) === 3, 10_000);
      return runId;
    },
  },
  {
    name: 'between two steps',
    asked: [1, 1, 1, 1, 1],
    async reach(agent) {
      steps.begin();
      // The claim of the next step waits for the lock this session holds, and dies with it.
      await database.query(`
        create or replace function wait_for_test() returns trigger language plpgsql as
          $$ begin perform pg_advisory_xact_lock(1); return new; end $$;
        create or replace trigger wait_for_test before insert on steps
          for each row when (new.index = 3) execute function wait_for_test();
        select pg_advisory_lock(1)`);
      const runId = await begin(agent);
      await waitingForLock();
      return runId;
    },
  },
];

it.each(POINTS)('a turn whose whole process tree is killed $name completes after the next start', async (point) => {
  const agent = await createAgent(url);
  const runId = await point.reach(agent);

  await killTree();
  await startAgain();

  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  expect(steps.asked).toEqual(point.asked);
  expect(await blockValue(url, agent.blockId)).toBe(BLOCK_AFTER);
  const facts = [0, 1, 2, 3].flatMap((n) => [
    `call {"label":"human","new_string":"fact ${n}"}`,
    'result',
  ]);
  const turn = ['user: do the five steps', ...facts, 'assistant: All five steps are done.'];
  expect(await transcript(url, agent.id)).toEqual(turn);

  const next = await sendAsync(url, agent.id, 'Are you there?');
  expect(await runEnd(url, next)).toMatchObject({ status: 'completed' });
  expect(await transcript(url, agent.id)).toEqual([
    ...turn,
    'user: Are you there?',
    'assistant: At your service.',
  ]);
  expect(await call<unknown[]>(url, 'GET', `/v1/runs/?agent_id=${agent.id}`)).toHaveLength(2);
  expect(fake.problems).toEqual([]);
});
