import fs from 'node:fs';
import path from 'node:path';
import { BLOCK_AFTER, createFiveSteps, createGate } from '../support/five-steps';
import { startFakeOpenAI, type FakeOpenAi } from '../support/fake-openai';
import { blockValue, call, createAgent, runEnd, sendAsync, transcript } from '../support/live-api';
import { startLiveEverturn, type LiveEverturn } from '../support/live-everturn';
import { temporaryFolder, until } from '../support/started';

const home = path.join(temporaryFolder(), 'data folder');
const steps = createFiveSteps();
let fake: FakeOpenAi;
let everturn: LiveEverturn;

beforeAll(async () => {
  fake = await startFakeOpenAI({ script: steps.script });
  everturn = await startLiveEverturn(home, fake.url);
});
afterAll(async () => {
  await everturn.stop();
  await fake.close();
  fs.rmSync(path.dirname(home), { recursive: true, force: true });
});

const count = async (sql: string, value: string): Promise<number> =>
  (await everturn.database.query<{ n: number }>(`select count(*)::int as n ${sql}`, [value])).rows[0]!.n;

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

const begin = (agent: Agent): Promise<string> => sendAsync(everturn.url, agent.id, 'do the five steps');

/** Everything that writes to the block waits, the memory tool inside its transaction. */
const lockBlock = (blockId: string) =>
  everturn.database.query(`begin; select from blocks where id = '${blockId}' for update`);
const waitingForLock = () =>
  until(
    async () =>
      (await count(`from pg_stat_activity where wait_event_type = 'Lock' and datname = $1`, 'everturn')) > 0,
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
      process.kill(everturn.pidOf('temporal'), 'SIGSTOP');
      gate.open();
      const stored = `from steps where run_id = $1 and index = 2 and status = 'success'`;
      await until(async () => (await count(stored, runId)) === 1);
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
      process.kill(everturn.pidOf('temporal'), 'SIGSTOP');
      await everturn.database.query('commit');
      await until(async () => (await count('from tool_executions where run_id = $1', runId)) === 3);
      return runId;
    },
  },
  {
    name: 'between two steps',
    asked: [1, 1, 1, 1, 1],
    async reach(agent) {
      steps.begin();
      // The claim of the next step waits for the lock this session holds, and dies with it.
      await everturn.database.query(`
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

it.each(POINTS)(
  'a turn whose whole process tree is killed $name completes after the next start',
  async (point) => {
    const agent = await createAgent(everturn.url);
    const runId = await point.reach(agent);

    await everturn.killTree();
    everturn = await startLiveEverturn(home, fake.url);

    const { url } = everturn;
    expect(await runEnd(url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
    expect(steps.asked).toEqual(point.asked);
    expect(await blockValue(url, agent.blockId)).toBe(BLOCK_AFTER);
    const history = await call<{ version: number; author: { kind: string } }[]>(url, 'GET', `/v1/blocks/${agent.blockId}/history?order=asc`); // prettier-ignore
    expect(history.map(({ version, author }) => `${version} ${author.kind}`)).toEqual(['1 api', '2 tool', '3 tool', '4 tool', '5 tool']); // prettier-ignore
    const facts = [0, 1, 2, 3].flatMap((n) => [`call: fact ${n}`, 'result']);
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
  },
);
