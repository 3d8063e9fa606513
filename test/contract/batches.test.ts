import pino from 'pino';
import { startCallbacks } from '../../api/callbacks';
import { findBatchRunsToStart } from '../../db/batches';
import { findStrandedRuns } from '../../db/mint-run';
import { BATCH_RUNS_AT_A_TIME } from '../../domain/batch';
import { insertAgent, insertMessage } from '../support/rows';
import { until } from '../support/started';
import { startTestApi, type Answer, type TestApi } from '../support/test-api';
import { startWebServer } from '../support/web-server';

// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = Readonly<Record<string, any>>;

let api: TestApi;
let agents: string[];
beforeEach(async () => {
  api = await startTestApi();
  agents = await Promise.all([insertAgent(api.db), insertAgent(api.db)]);
});
afterEach(() => api.close());

const say = (agentId: string, input = 'Hi', more: Json = {}): Json => ({ agent_id: agentId, input, ...more });
const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  api.call('POST', '/v1/messages/batches', { body, headers });
const get = async (path: string): Promise<Json> => (await api.call('GET', path)).body as Json;

async function create(requests = agents.map((id) => say(id)), more: Json = {}): Promise<Json> {
  const { status, body } = await post({ requests, ...more });
  expect(status).toBe(200);
  return body as Json;
}

async function runsOf(batchId: unknown): Promise<{ id: string; agent_id: string; status: string }[]> {
  const { rows } = await api.db.query<{ id: string; agent_id: string; status: string }>(
    'select id, agent_id, status from runs where batch_id = $1 order by queue_seq',
    [batchId],
  );
  return rows;
}
const endRuns = (batchId: unknown, status: string) =>
  api.db.query(`update runs set status = $2, completed_at = now() where batch_id = $1`, [batchId, status]);
const count = async (table: string): Promise<number> => {
  const { rows } = await api.db.query<{ n: number }>(`select count(*)::integer as n from ${table}`);
  return rows[0]!.n;
};

it('stores a run for each message, and shows the batch as a job', async () => {
  const batch = await create([...agents.map((id) => say(id)), say(agents[0]!, 'again')]);

  expect(batch).toMatchObject({
    id: expect.stringMatching(/^job-/) as string,
    job_type: 'batch',
    status: 'running',
    completed_at: null,
    callback_url: null,
    metadata: { job_type: 'batch_messages', runs: { created: 3 } },
  });
  const runs = await runsOf(batch['id']);
  expect(runs.map(({ agent_id: id }) => id)).toEqual([...agents, agents[0]]);
  expect(await get(`/v1/messages/batches/${batch['id']}`)).toEqual(batch);
  expect(await get(`/v1/jobs/${batch['id']}`)).toEqual(batch);
  expect(await get(`/v1/runs/${runs[0]!.id}`)).toMatchObject({
    background: true,
    metadata: { batch_id: batch['id'] },
  });
});

it.each([
  [{ requests: [] }, 422],
  [{}, 422],
  [{ requests: [{ input: 'Hi' }] }, 422],
  [{ requests: [say('agent-1')] }, 422],
  [{ requests: [say('agent-123e4567-e89b-42d3-8456-426614174000')] }, 404],
])('refuses %j with %i', async (body, status) => {
  expect((await post(body)).status).toBe(status);
});

it('stores all of a batch or nothing of it', async () => {
  const unknown = say('agent-123e4567-e89b-42d3-8456-426614174000');

  expect((await post({ requests: [say(agents[0]!), unknown] })).status).toBe(404);
  expect((await post({ requests: [say(agents[0]!), say(agents[1]!, 'Hi', { override_model: 'no/model' })] })).status).toBe(404); // prettier-ignore
  expect((await post({ requests: [say(agents[0]!), say(agents[1]!, 'Hi', { messages: [] })] })).status).toBe(
    422,
  );
  expect((await post({ requests: [say(agents[0]!)], callback_url: 'nowhere' })).status).toBe(422);

  expect([await count('batches'), await count('runs')]).toEqual([0, 0]);
});

it('a batch that is sent again is the one that it is', async () => {
  const body = { requests: agents.map((id) => say(id)) };
  const key = { 'idempotency-key': 'monday' };

  const [first, twin] = await Promise.all([post(body, key), post(body, key)]);
  const other = await post({ requests: [say(agents[0]!)] }, key);
  const unnamed = await post(body);
  const retried = await post(body, { 'x-stainless-retry-count': '1' });

  expect((twin.body as Json)['id']).toBe((first.body as Json)['id']);
  expect(other.status).toBe(422);
  expect((retried.body as Json)['id']).toBe((unnamed.body as Json)['id']);
  expect([await count('batches'), await count('runs')]).toEqual([2, 4]);
});

it('is over when all of its runs are, and failed if none came to an end', async () => {
  const [good, bad] = [await create(), await create()];
  const open = await create();
  await endRuns(good['id'], 'completed');
  await endRuns(bad['id'], 'failed');
  await api.db.query(`update runs set status = 'failed' where id = $1`, [(await runsOf(good['id']))[0]!.id]);

  expect(await get(`/v1/messages/batches/${good['id']}`)).toMatchObject({
    status: 'completed',
    completed_at: expect.any(String) as string,
    metadata: { runs: { completed: 1, failed: 1 } },
  });
  expect(await get(`/v1/messages/batches/${bad['id']}`)).toMatchObject({ status: 'failed' });
  expect(await get('/v1/messages/batches')).toEqual([open]);
});

it('a cancelled batch stops its runs, and stays cancelled', async () => {
  const batch = await create();
  const [first] = await runsOf(batch['id']);
  await api.db.query(`update runs set status = 'completed', completed_at = now() where id = $1`, [first!.id]);

  const cancelled = await api.call('PATCH', `/v1/messages/batches/${batch['id']}/cancel`);

  expect(cancelled).toMatchObject({ status: 200, body: null });
  expect((await runsOf(batch['id'])).map(({ status }) => status)).toEqual(['completed', 'cancelled']);
  expect(await get(`/v1/messages/batches/${batch['id']}`)).toMatchObject({ status: 'cancelled' });
  expect((await api.call('PATCH', '/v1/messages/batches/job-1/cancel')).status).toBe(404);
});

it('lists what its runs said and did, newest first, without what they were sent', async () => {
  const batch = await create();
  const runs = await runsOf(batch['id']);
  for (const { id, agent_id: agentId } of runs) {
    await insertMessage(api.db, agentId, { run_id: id, role: 'user', parts: [{ type: 'text', text: 'Hi' }] });
    await insertMessage(api.db, agentId, {
      run_id: id,
      role: 'assistant',
      parts: [{ type: 'text', text: `I am ${agentId}` }],
    });
  }
  const list = async (query: string) =>
    ((await get(`/v1/messages/batches/${batch['id']}/messages${query}`))['messages'] as Json[]).map(
      ({ role, content }) => `${role}: ${(content as Json[])[0]!['text']}`,
    );

  const said = agents.map((id) => `assistant: I am ${id}`);
  expect(await list('')).toEqual(said.toReversed());
  expect(await list('?order=asc&limit=1')).toEqual(said.slice(0, 1));
  expect(await list(`?agent_id=${agents[1]}`)).toEqual(said.slice(1));
});

it('tells its callback once, when it is over', async () => {
  const bodies: Json[] = [];
  const receiver = await startWebServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      bodies.push(JSON.parse(text) as Json);
      response.writeHead(200).end();
    });
  });
  const callback = { callback_url: `http://127.0.0.1:${receiver.port}/hook` };
  const [open, over] = [await create(undefined, callback), await create(undefined, callback)];
  const isTold = async ({ id }: Json) =>
    (await get(`/v1/messages/batches/${id}`))['callback_status_code'] === 200;
  const stop = startCallbacks({ db: api.db, log: pino({ level: 'silent' }) });

  await endRuns(over['id'], 'completed');
  await until(() => isTold(over));
  const toldFirst = bodies.map(({ job_id: id }) => id as unknown);
  await endRuns(open['id'], 'failed');
  await until(() => isTold(open));
  stop();
  await receiver.close();

  expect(toldFirst).toEqual([over['id']]);
  const completed_at = expect.any(String) as string;
  const told = (status: string) => ({ status, completed_at, metadata: { job_type: 'batch_messages', runs: { [status]: 2 } } }); // prettier-ignore
  expect(bodies).toEqual([
    { job_id: over['id'], ...told('completed') },
    { job_id: open['id'], ...told('failed') },
  ]);
});

describe('its runs', () => {
  const due = async () => (await findBatchRunsToStart(api.db)).map(({ runId }) => runId);

  it('take their places in the order in which they were sent, one of a conversation at a time', async () => {
    const many = await Promise.all(Array.from({ length: BATCH_RUNS_AT_A_TIME }, () => insertAgent(api.db)));
    const batch = await create([say(many[0]!), say(many[0]!, 'again'), ...many.slice(1).map((id) => say(id)), say(agents[0]!)]); // prettier-ignore
    const ids = (await runsOf(batch['id'])).map(({ id }) => id);
    const firsts = ids.filter((_, at) => at !== 1);

    expect(await due()).toEqual(firsts.slice(0, BATCH_RUNS_AT_A_TIME));

    await api.db.query(`update runs set status = 'running' where id = any($1)`, [firsts.slice(0, BATCH_RUNS_AT_A_TIME)]); // prettier-ignore
    expect(await due()).toEqual([]);

    await api.db.query(`update runs set status = 'completed' where id = $1`, [ids[0]]);
    expect(await due()).toEqual([ids[1]]);
  });

  it('that wait for a place are not stranded', async () => {
    const batch = await create();
    await api.db.query(`update runs set created_at = now() - interval '1 minute'`);

    expect(await findStrandedRuns(api.db)).toEqual([]);

    await api.db.query(`update runs set status = 'running' where batch_id = $1`, [batch['id']]);
    expect(await findStrandedRuns(api.db)).toHaveLength(2);
  });
});
