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
});
afterAll(async () => {
  await server.stop();
  await target.close();
});

type Json = Readonly<Record<string, unknown>>;
interface Turn {
  readonly agentId: string;
  readonly runId: string;
}
const turnWith = async (tool: string, label: string): Promise<Turn> => {
  const { id: agentId } = await createAgent(url, { tools: [tool], include_base_tools: false });
  const runId = await sendAsync(url, agentId, `CALL ${tool} ${JSON.stringify({ label })}`);
  return { agentId, runId };
};
const toolReturn = async ({ agentId }: Turn): Promise<Json | undefined> =>
  (await call<Json[]>(url, 'GET', `/v1/agents/${agentId}/messages?limit=50`)).find(
    (message) => message['message_type'] === 'tool_return_message',
  );
const effectOf = async ({ runId }: Turn): Promise<Json> =>
  (await call<Json[]>(url, 'GET', `/v1/effects?run_id=${runId}`))[0]!;

it('a worker that dies during calls that may act once leaves each acted once or unknown, and the operator settles it', async () => {
  target.hold('lost', { isRecorded: true });
  target.hold('probed-done', { isRecorded: true });
  target.hold('probed-not-done', { isRecorded: false });
  target.hold('repeated', { isRecorded: true });
  const lost = await turnWith('charge', 'lost');
  const probedDone = await turnWith('charge_probed', 'probed-done');
  const probedNot = await turnWith('charge_probed', 'probed-not-done');
  const repeated = await turnWith('put', 'repeated');
  const labels = ['lost', 'probed-done', 'probed-not-done', 'repeated'];
  await until(() => labels.every((label) => target.calls(label) === 1));

  await server.worker.kill('SIGKILL');
  for (const label of labels) target.release(label);
  await server.start('worker');
  const ends = await Promise.all(
    [lost, probedDone, probedNot, repeated].map(({ runId }) => runEnd(url, runId)),
  );

  expect(ends.map(({ stop_reason: reason }) => reason)).toEqual(Array(4).fill('end_turn'));
  // The outcome that nobody knows is said to be unknown, and not repeated.
  expect(target.effects('lost')).toHaveLength(1);
  expect(await toolReturn(lost)).toMatchObject({ status: 'error', effect_status: 'unknown' });
  expect(await call<Json[]>(url, 'GET', '/v1/effects?status=unknown')).toMatchObject([
    { run_id: lost.runId },
  ]);
  // A tool that can say what became of its call is asked first.
  expect(target.calls('probed-done')).toBe(1);
  expect(await toolReturn(probedDone)).toMatchObject({
    status: 'success',
    tool_return: 'probed probed-done',
  });
  expect(target.effects('probed-not-done')).toHaveLength(1);
  expect(target.calls('probed-not-done')).toBe(2);
  expect(await toolReturn(probedNot)).toMatchObject({
    status: 'success',
    tool_return: 'counted probed-not-done',
  });
  // A repeat carries the key of the first attempt.
  expect(new Set(target.effects('repeated'))).toEqual(new Set([(await effectOf(repeated))['key']]));

  const key = String((await effectOf(lost))['key']);
  await call(url, 'POST', `/v1/effects/${key}/resolve`, { resolution: 'retry' });
  await until(async () => (await effectOf(lost))['status'] === 'done');

  expect(target.effects('lost')).toEqual([key, key]);
  expect(await toolReturn(lost)).toMatchObject({ status: 'success', tool_return: 'counted lost' });
  const next = await sendAsync(url, lost.agentId, 'What now?');
  await runEnd(url, next);
  expect(JSON.stringify(fake.requests.at(-1)!.body)).toContain('counted lost');
  expect(fake.problems).toEqual([]);
});
