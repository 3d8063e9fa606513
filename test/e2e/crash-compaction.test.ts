import fs from 'node:fs';
import path from 'node:path';
import { createGate } from '../support/five-steps';
import { startFakeOpenAI, type FakeOpenAi } from '../support/fake-openai';
import { call, createAgent, runEnd, sendAsync, transcript } from '../support/live-api';
import { startLiveEverturn, type LiveEverturn } from '../support/live-everturn';
import { temporaryFolder, until } from '../support/started';
import { createWindowedModel } from '../support/windowed-model';

// kill -9 of everything in the middle of a compaction.

const home = path.join(temporaryFolder(), 'data');
const model = createWindowedModel();
let fake: FakeOpenAi;
let everturn: LiveEverturn;

beforeAll(async () => {
  fake = await startFakeOpenAI({ script: (request, n) => model.script(request, n) });
  everturn = await startLiveEverturn(home, fake.url);
});
afterAll(async () => {
  await everturn.stop();
  await fake.close();
  fs.rmSync(path.dirname(home), { recursive: true, force: true });
});

const FULL = { prompt_tokens: 7_900, completion_tokens: 50, total_tokens: 7_950 };
const count = async (sql: string, value: string): Promise<number> =>
  (await everturn.database.query<{ n: number }>(`select count(*)::int as n ${sql}`, [value])).rows[0]!.n;
const untilStored = (runId: string) =>
  until(async () => (await count('from compactions where outcome is not null and run_id = $1', runId)) === 1);

interface CrashPoint {
  readonly name: string;
  /** Calls of the summarizer over both lives. */
  readonly summaries: number;
  /** Brings the turn to the point. */
  reach(runId: string, gate: ReturnType<typeof createGate>): Promise<void>;
}
const POINTS: readonly CrashPoint[] = [
  {
    name: 'while the summary is written',
    summaries: 2,
    reach: async (_runId, gate) => gate.reached,
  },
  {
    name: 'after the summary was stored and before Temporal heard of it',
    summaries: 1,
    async reach(runId, gate) {
      await gate.reached;
      process.kill(everturn.pidOf('temporal'), 'SIGSTOP');
      gate.open();
      await untilStored(runId);
    },
  },
  {
    name: 'while the summary is stored',
    summaries: 2,
    async reach(runId, gate) {
      await gate.reached;
      await everturn.database.query(
        `begin; select from conversations where id = (select conversation_id from runs where id = '${runId}') for update`,
      );
      gate.open();
      await until(
        async () =>
          (await count(`from pg_stat_activity where wait_event_type = 'Lock' and datname = $1`, 'everturn')) >
          0,
      );
    },
  },
];

it.each(POINTS)('a turn that is killed $name ends with one summary and a whole thread', async (point) => {
  const agent = await createAgent(everturn.url, { context_window_limit: 8_000 });
  model.reset();
  for (const text of ['SAY one', 'SAY two', 'SAY three']) {
    await runEnd(everturn.url, await sendAsync(everturn.url, agent.id, text));
  }
  const gate = createGate();
  let asked = 0;
  model.reset({
    onMessage: () => ({ text: 'full now', usage: FULL }),
    async onSummary() {
      asked += 1;
      if (asked === 1) await gate.pass();
      return { text: 'They counted to three.' };
    },
  });

  const runId = await sendAsync(everturn.url, agent.id, 'go on');
  await point.reach(runId, gate);
  await everturn.killTree();
  gate.open();
  everturn = await startLiveEverturn(home, fake.url);

  const { url } = everturn;
  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  expect(asked).toBe(point.summaries);
  expect(model.asked).toHaveLength(1);
  const lines = await transcript(url, agent.id);
  expect(lines.slice(0, 8)).toEqual([
    ...['one', 'two', 'three'].flatMap((word) => [`user: SAY ${word}`, `assistant: ${word}`]),
    'user: go on',
    'assistant: full now',
  ]);
  expect(lines.filter((line) => line.includes('They counted to three.'))).toHaveLength(1);
  const { message_ids: context } = await call<{ message_ids: string[] }>(
    url,
    'GET',
    `/v1/agents/${agent.id}`,
  );
  expect(context).toHaveLength(2);

  model.reset();
  expect(await runEnd(url, await sendAsync(url, agent.id, 'SAY still here'))).toMatchObject({
    status: 'completed',
  });
  expect(fake.problems).toEqual([]);
});
