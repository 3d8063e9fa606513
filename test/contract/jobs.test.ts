import { insertAgent, insertRun } from '../support/rows';
import { startTestApi, type TestApi } from '../support/test-api';

let api: TestApi;
let [over, active] = ['', ''];
beforeAll(async () => {
  api = await startTestApi();
  const agentId = await insertAgent(api.db);
  over = await insertRun(api.db, agentId);
  active = await insertRun(api.db, agentId, { status: 'running', stop_reason: null });
});
afterAll(() => api.close());

const idsAt = async (path: string): Promise<unknown> =>
  ((await api.call('GET', path)).body as { id: string }[]).map(({ id }) => id);

it('shows runs as jobs, newest first, also the active ones alone', async () => {
  const one = await api.call('GET', `/v1/jobs/${over}`);

  expect(one.body).toMatchObject({ id: over, job_type: 'run', status: 'completed', stop_reason: 'end_turn' });
  expect(await idsAt('/v1/jobs/')).toEqual([active, over]);
  expect(await idsAt('/v1/jobs/?order=asc&limit=1')).toEqual([over]);
  expect(await idsAt('/v1/jobs/?active=true')).toEqual([active]);
  expect(await idsAt('/v1/jobs/active')).toEqual([active]);
  expect(await idsAt('/v1/jobs/?source_id=source-1')).toEqual([]);
});

it('cancels the run behind a job, and deletes one that is over', async () => {
  const cancelled = await api.call('PATCH', `/v1/jobs/${active.replace('run-', 'job-')}/cancel`);
  expect(cancelled).toMatchObject({ status: 200, body: { id: active } });
  expect((await api.call('PATCH', `/v1/jobs/${over}/cancel`)).body).toBe(false);

  expect((await api.call('DELETE', `/v1/jobs/${over}`)).body).toMatchObject({ id: over });
  expect((await api.call('GET', `/v1/jobs/${over}`)).status).toBe(404);
  expect((await api.call('GET', '/v1/jobs/nope')).status).toBe(422);
});
