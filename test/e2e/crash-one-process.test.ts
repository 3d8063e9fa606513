import fs from 'node:fs';
import path from 'node:path';
import { BLOCK_AFTER, createFiveSteps, createGate } from '../support/five-steps';
import { startFakeOpenAI, type FakeOpenAi } from '../support/fake-openai';
import { blockValue, createAgent, runEnd, sendAsync, transcript } from '../support/live-api';
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

const CHILDREN = ['temporal', 'postgres', 'server'];

it.each(CHILDREN)(
  'a turn goes on when only the %s process is killed during a model call and is back',
  async (child) => {
    const agent = await createAgent(everturn.url);
    const gate = createGate();
    steps.begin({ step: 2, gate });
    const runId = await sendAsync(everturn.url, agent.id, 'do the five steps');
    await gate.reached;
    const before = everturn.output().length;
    const others = CHILDREN.filter((each) => each !== child);
    const pids = others.map(everturn.pidOf);

    process.kill(everturn.pidOf(child), 'SIGKILL');
    gate.open(); // The reply comes while the process is away.
    await until(
      () => everturn.output().slice(before).includes(`${child} is back`),
      30_000,
      () => everturn.output().slice(before),
    );
    await until(
      () => steps.asked[3] !== undefined,
      30_000,
      () => `asked so far: ${steps.asked.join(' ')}`,
    );

    expect(await runEnd(everturn.url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
    expect(steps.asked.filter((times) => times > 1).length).toBeLessThanOrEqual(1);
    expect(steps.asked[2]).toBeLessThanOrEqual(2);
    expect(await blockValue(everturn.url, agent.blockId)).toBe(BLOCK_AFTER);
    const facts = [0, 1, 2, 3].flatMap((n) => [`call: fact ${n}`, 'result']);
    expect(await transcript(everturn.url, agent.id)).toEqual([
      'user: do the five steps',
      ...facts,
      'assistant: All five steps are done.',
    ]);
    expect(others.map(everturn.pidOf)).toEqual(pids);
    expect(fake.problems).toEqual([]);
  },
);
