import { startFakeEmbeddings, type FakeEmbeddings } from '../support/fake-embeddings';
import { call, createAgent, runEnd, sendAsync } from '../support/live-api';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';
import { until } from '../support/started';

let server: LiveServer;
let embeddings: FakeEmbeddings;
let database: TestDatabase;
let url: string;

beforeAll(async () => {
  embeddings = await startFakeEmbeddings();
  server = await startLiveServer({ env: { EMBEDDINGS_BASE_URL: embeddings.url }, roles: SPLIT });
  ({ database, url } = server);
});
afterAll(async () => {
  await server.stop();
  await embeddings.close();
});

it('a passage is stored once when the worker is killed in the middle of its insert', async () => {
  const agent = await createAgent(url, { tools: ['archival_memory_insert'] });
  const archive = await call<{ id: string }>(url, 'POST', '/v1/archives/', { name: 'locked' });
  await call(url, 'PATCH', `/v1/agents/${agent.id}/archives/attach/${archive.id}`);
  const holder = await database.pool.connect();
  await holder.query(`begin; select from archives where id = '${archive.id}' for update`);

  const runId = await sendAsync(url, agent.id, 'CALL archival_memory_insert {"content":"kept exactly once"}');
  const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  await until(async () => (await database.pool.query(waiting)).rowCount === 1);
  await server.worker.kill('SIGKILL');
  await holder.query('rollback');
  holder.release();
  await server.start('worker');

  expect(await runEnd(url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  const passages = await call<{ text: string }[]>(url, 'GET', `/v1/agents/${agent.id}/archival-memory`);
  expect(passages.map(({ text }) => text)).toEqual(['kept exactly once']);
  const { rows } = await database.pool.query(
    `select status, attempt from tool_executions where run_id = $1`,
    [runId],
  );
  expect(rows).toEqual([{ status: 'done', attempt: 1 }]);
});

it('a change of model goes on after the worker is killed in the middle: what was answered is not asked for again', async () => {
  const archive = await call<{ id: string }>(url, 'POST', '/v1/archives/', {
    name: 'moving',
    embedding: 'openai/text-embedding-3-small',
  });
  const texts = Array.from({ length: 200 }, (_, n) => `moving text ${n}`);
  await call(url, 'POST', `/v1/archives/${archive.id}/passages/batch`, {
    passages: texts.map((text) => ({ text })),
  });
  const progress = async () => {
    const { rows } = await database.pool.query(`select status, done from reembeds where archive_id = $1`, [
      archive.id,
    ]);
    return rows[0] as { status: string; done: number } | undefined;
  };
  const moved = async () => {
    const { rows } = await database.pool.query<{ text: string }>(
      `select text from passages where archive_id = $1 and embedding_model = 'embeddings/meaning'`,
      [archive.id],
    );
    return rows.map(({ text }) => text);
  };
  const timesAsked = (of: readonly string[]) => of.map((text) => embeddings.timesAsked(text));

  // The second batch waits in the embedding server when the worker dies.
  const open = embeddings.hold(1);
  await call(url, 'PATCH', `/v1/archives/${archive.id}`, { embedding: 'embeddings/meaning' });
  await until(() => timesAsked(texts).filter((times) => times > 0).length === 128);
  await server.worker.kill('SIGKILL');
  const [atDeath, kept] = [await progress(), await moved()];
  const timesBefore = timesAsked(kept);
  open();
  await server.start('worker');
  await until(async () => (await progress())?.status === 'completed');

  expect(atDeath).toEqual({ status: 'running', done: 64 });
  expect(await progress()).toEqual({ status: 'completed', done: 200 });
  expect(kept).toHaveLength(64);
  expect(timesAsked(kept)).toEqual(timesBefore);
  expect((await moved()).toSorted()).toEqual(texts.toSorted());
});
