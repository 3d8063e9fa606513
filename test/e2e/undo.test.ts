import { startCountingTarget, type CountingTarget } from '../support/counting-target';
import type { FakeOpenAi } from '../support/fake-openai';
import { call, createAgent, runEnd, sendAsync } from '../support/live-api';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import { until } from '../support/started';

let server: LiveServer;
let target: CountingTarget;
let fake: FakeOpenAi;
let url: string;

beforeAll(async () => {
  target = await startCountingTarget();
  server = await startLiveServer({
    env: { TEST_COUNTING_TARGET: target.url },
    program: 'test/support/serve-counting-tools.ts',
    roles: SPLIT,
  });
  ({ fake, url } = server);
  await nameUndo('charge', 'put');
  await nameUndo('put', 'charge');
});
afterAll(async () => {
  await server.stop();
  await target.close();
});

async function nameUndo(tool: string, undo: string): Promise<void> {
  const [stored] = await call<{ id: string }[]>(url, 'GET', `/v1/tools/?name=${tool}`);
  await call(url, 'PATCH', `/v1/tools/${stored!.id}`, { undo });
}

type Json = Readonly<Record<string, any>>; // eslint-disable-line @typescript-eslint/no-explicit-any
const agentWith = async (...tools: string[]): Promise<string> =>
  (await createAgent(url, { tools, include_base_tools: false })).id;
const calling = (tool: string, label: string): string => `CALL ${tool} ${JSON.stringify({ label })}`;
const states = async (runId: string): Promise<string[]> =>
  (await call<Json>(url, 'GET', `/v1/runs/${runId}/undo`))['calls'].map(({ state }: Json) => String(state));
const undo = (runId: string) => call<Json>(url, 'POST', `/v1/runs/${runId}/undo`);
const keyOf = async (runId: string, label: string): Promise<string> =>
  String(
    (await call<Json[]>(url, 'GET', `/v1/effects?run_id=${runId}`)).find(({ arguments: args }) =>
      String(args).includes(`"${label}"`),
    )!['key'],
  );

it('what a run did is undone newest first and once, though the worker dies in the middle', async () => {
  const agentId = await agentWith('charge');
  const runId = await sendAsync(
    url,
    agentId,
    [calling('charge', 'a1'), calling('charge', 'a2')].join('\nTHEN\n'),
  );
  await runEnd(url, runId);
  const keys = [await keyOf(runId, 'a1'), await keyOf(runId, 'a2')];
  target.hold('a2', { isRecorded: true });

  expect(await undo(runId)).toMatchObject({ status: 'undoing' });
  await until(() => target.calls('a2') === 2);
  expect(target.calls('a1')).toBe(1); // The older one waits.
  await server.worker.kill('SIGKILL');
  target.release('a2');
  await server.start('worker');
  await until(async () => (await states(runId)).every((state) => state === 'undone'));

  // A repeat of the undo carries the key of its first attempt, so it counts once.
  expect([...new Set(target.effects('a2'))]).toEqual([keys[1], `${keys[1]}/undo`]);
  expect(target.effects('a1')).toEqual([keys[0], `${keys[0]}/undo`]);
  await undo(runId);
  expect(target.calls('a1')).toBe(2);

  await runEnd(url, await sendAsync(url, agentId, 'What now?'));
  expect(JSON.stringify(fake.requests.at(-1)!.body)).toContain('<tool_call_undone>');
  expect(fake.problems).toEqual([]);
});

it('an undo that may act once and whose worker dies is not repeated, and says so', async () => {
  const agentId = await agentWith('put');
  const runId = await sendAsync(url, agentId, calling('put', 'b1'));
  await runEnd(url, runId);
  target.hold('b1', { isRecorded: true });

  await undo(runId);
  await until(() => target.calls('b1') === 2);
  await server.worker.kill('SIGKILL');
  target.release('b1');
  await server.start('worker');
  await until(async () => (await states(runId))[0] !== 'undoing', 60_000);

  expect(await states(runId)).toEqual(['undo_unknown']);
  await undo(runId);
  expect(target.calls('b1')).toBe(2);
});

it('a call by hand that an SDK sends again before it has an answer is made once', async () => {
  const agentId = await agentWith('charge');
  target.hold('by-hand', { isRecorded: true });
  const run = (again: boolean) =>
    fetch(`${url}/v1/agents/${agentId}/tools/charge/run`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-stainless-retry-count': again ? '1' : '0' },
      body: JSON.stringify({ args: { label: 'by-hand' } }),
    }).then((response) => response.json() as Promise<Json>);
  const first = run(false);
  await until(() => target.calls('by-hand') === 1);

  const second = run(true);
  target.release('by-hand');

  expect(await first).toMatchObject({ status: 'success' });
  expect(await second).toEqual(await first);
  expect(target.calls('by-hand')).toBe(1);
});

it('a turn that is rolled back takes back what its tools did', async () => {
  const agentId = await agentWith('charge');
  const first = await sendAsync(url, agentId, `${calling('charge', 'third-deed')}\nTHEN\nDELAY 60000`);
  await until(() => target.calls('third-deed') === 1);
  await until(async () => {
    const effects = await call<Json[]>(url, 'GET', `/v1/effects?run_id=${first}&status=done`);
    return effects.length === 1;
  });
  const key = await keyOf(first, 'third-deed');

  const second = await sendAsync(url, agentId, 'SAY Instead.', { multitask_strategy: 'rollback' });

  expect(await runEnd(url, second)).toMatchObject({ status: 'completed' });
  await until(async () => (await states(first))[0] === 'undone');
  expect(target.effects('third-deed')).toEqual([key, `${key}/undo`]);
  expect(JSON.stringify(fake.requests.at(-1)!.body)).not.toContain('third-deed');
});
