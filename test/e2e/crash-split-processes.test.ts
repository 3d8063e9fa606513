import { newId } from '../../new-id';
import { BLOCK_AFTER, createFiveSteps, createGate } from '../support/five-steps';
import type { FakeOpenAi, FakeRequest } from '../support/fake-openai';
import { blockValue, createAgent, runEnd, sendAsync, transcript } from '../support/live-api';
import { insertRun } from '../support/rows';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';
import { until } from '../support/started';

const steps = createFiveSteps();
let server: LiveServer;
let fake: FakeOpenAi;
let database: TestDatabase;
let url: string;

beforeAll(async () => {
  server = await startLiveServer({ script: answer, roles: SPLIT });
  ({ database, fake, url } = server);
});
afterAll(() => server.stop());

const LONG_TEXT = Array.from({ length: 40 }, (_, n) => `word${n} `).join('');

function answer(request: FakeRequest) {
  const isLong = request.turns.at(-1)?.text.includes('a long answer');
  if (isLong) return { text: LONG_TEXT, chunkSize: 8, frameDelayMs: 25 };
  return steps.script(request);
}

async function replaceWorker(): Promise<void> {
  await server.worker.kill('SIGKILL');
  await server.start('worker');
}

async function expectWholeTurn(agent: { id: string; blockId: string }, runId: string): Promise<void> {
  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  expect(await blockValue(url, agent.blockId)).toBe(BLOCK_AFTER);
  const facts = [0, 1, 2, 3].flatMap((n) => [`call: fact ${n}`, 'result']);
  expect(await transcript(url, agent.id)).toEqual([
    'user: do the five steps',
    ...facts,
    'assistant: All five steps are done.',
  ]);
  expect(fake.problems).toEqual([]);
}

it('a turn goes on after the worker that made its model call was killed and replaced', async () => {
  const agent = await createAgent(url);
  const gate = createGate();
  steps.begin({ step: 2, gate });
  const runId = await sendAsync(url, agent.id, 'do the five steps');
  await gate.reached;

  await replaceWorker();
  await until(() => steps.asked[3] !== undefined);

  await expectWholeTurn(agent, runId);
  expect(steps.asked).toEqual([1, 1, 2, 1, 1]);
});

it('a turn goes on after the worker that ran its tool was killed and replaced', async () => {
  const agent = await createAgent(url);
  const gate = createGate();
  steps.begin({ step: 2, gate });
  const runId = await sendAsync(url, agent.id, 'do the five steps');
  await gate.reached;
  const holder = await database.pool.connect();
  await holder.query(`begin; select from blocks where id = '${agent.blockId}' for update`);
  gate.open();
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  await until(async () => (await database.pool.query(waiting)).rowCount === 1);

  await server.worker.kill('SIGKILL');
  await holder.query('rollback');
  holder.release();
  await server.start('worker');
  await until(() => steps.asked[3] !== undefined);

  await expectWholeTurn(agent, runId);
  expect(steps.asked).toEqual([1, 1, 1, 1, 1]);
});

/** The frames of an event stream, as far as they came; `onFrames` hears how many there are. */
async function readFrames(
  response: Response,
  onFrames: (count: number) => void = () => undefined,
): Promise<readonly string[]> {
  let text = '';
  const whole = () => text.split('\n\n').slice(0, -1);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    // A rejection means that the process which served the stream was killed.
    const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }));
    if (done) return whole();
    text += value ?? '';
    onFrames(whole().length);
  }
}

const resume = (runId: string, startingAfter: number): Promise<Response> =>
  fetch(`${url}/v1/runs/${runId}/stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ starting_after: startingAfter }),
  });

const seqOf = (frame: string): number => Number(/"seq_id":\s*(\d+)/.exec(frame)?.[1]);

it('a client whose API process is killed while it streams gets the rest from another process, nothing twice', async () => {
  const agent = await createAgent(url);
  const dying = await server.start('api');
  const response = await fetch(`${dying.url}/v1/agents/${agent.id}/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-stainless-package-version': '1.12.1' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: 'a long answer, please' }],
      streaming: true,
      stream_tokens: true,
      background: true,
    }),
  });
  const first = await readFrames(response, (count) => {
    if (count >= 8) void dying.kill('SIGKILL');
  });
  const runId = /run-[0-9a-f-]{36}/.exec(first.join(''))?.[0] ?? '';
  const lastSeq = seqOf(first.at(-1)!);

  const rest = await readFrames(await resume(runId, lastSeq));
  const uncut = await readFrames(await resume(runId, 0));

  expect(first.length).toBeLessThan(uncut.length - 5);
  expect([...first, ...rest]).toEqual(uncut);
  const told = uncut.flatMap((frame) => /"content":\s*"([^"]*)"/.exec(frame)?.[1] ?? []);
  expect(told.join('')).toBe(LONG_TEXT);
});

it('a run that was stored and never started is started by the sweeper of any API process', async () => {
  const agent = await createAgent(url);
  const messages = [
    {
      id: newId('message'),
      role: 'user',
      parts: [{ type: 'text', text: 'Hi' }],
      name: null,
      otid: null,
      senderId: null,
    },
  ];
  const runId = await insertRun(database.pool, agent.id, {
    status: 'created',
    stop_reason: null,
    request: JSON.stringify({ messages, overrideModel: null, overrideSystem: null }),
    created_at: new Date(Date.now() - 5_000),
  });

  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed' });
  expect(await transcript(url, agent.id)).toEqual(['user: Hi', 'assistant: At your service.']);
});
