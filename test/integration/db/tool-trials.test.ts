import { holdPresence, newPresence } from '../../../db/presence';
import { createToolRunStore, getToolRunOutcome, mintTrial } from '../../../db/tool-runs';
import { succeededOutcome } from '../../../domain/tool-failure';
import { buildTool } from '../../support/build-tool';
import { createTestDatabase, type TestDatabase } from '../../support/stack';
import { until } from '../../support/started';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const tool = buildTool({ name: 'f' }, { sourceCode: 'def f(): return 1', network: true });
const mint = (id: string) => mintTrial(database.pool, { id, tool, args: { x: 1 }, env: { KEY: 'v' } });
const rowOf = async (id: string) =>
  (await database.pool.query(`select source, env, outcome from tool_runs where id = $1`, [id])).rows[0];

it('a trial is opened with its source, arguments and environment, and knows when it was opened before', async () => {
  const store = createToolRunStore(database.pool);
  await mint('job-1');

  const first = await store.open('job-1');
  const second = await store.open('job-1');

  expect(first).toMatchObject({
    id: 'job-1',
    isTrial: true,
    tool: { name: 'f', sourceCode: 'def f(): return 1', network: true },
    args: { x: 1 },
    secrets: { KEY: 'v' },
    wasClaimed: false,
  });
  expect(second).toMatchObject({ wasClaimed: true });
});

it('only a tool of an MCP server says what may be repeated of its trial', async () => {
  const store = createToolRunStore(database.pool);
  const trial = (id: string, facts: object) =>
    mintTrial(database.pool, { id, tool: { ...tool, ...facts }, args: {}, env: {} });
  await trial('job-mcp', { toolType: 'external_mcp', effects: 'read' });
  await trial('job-source', { effects: 'read' });

  expect(await store.open('job-mcp')).toMatchObject({ effects: 'read', secrets: {} });
  expect(await store.open('job-source')).toMatchObject({ effects: 'once' });
});

it('the first outcome counts, and empties source and environment', async () => {
  const store = createToolRunStore(database.pool);
  await mint('job-2');

  await store.finish('job-2', succeededOutcome('one'));
  await store.finish('job-2', succeededOutcome('two'));

  expect(await getToolRunOutcome(database.pool, 'job-2')).toMatchObject({ result: 'one' });
  expect(await rowOf('job-2')).toMatchObject({ source: null, env: null });
  expect(await store.open('job-2')).toBeNull();
});

it('a trial that was left without an outcome is gone a day later, one that has its outcome stays', async () => {
  const store = createToolRunStore(database.pool);
  await mint('job-3');
  await mint('job-4');
  await store.finish('job-4', succeededOutcome('done'));
  await database.pool.query(
    `update tool_runs set created_at = now() - interval '25 hours' where id in ('job-3', 'job-4')`,
  );

  await mint('job-5');

  expect(await rowOf('job-3')).toBeUndefined();
  expect(await rowOf('job-4')).toBeDefined();
  expect(await rowOf('job-5')).toBeDefined();
});

describe('a call whose worker Temporal lost sight of', () => {
  async function claimedByWorker(id: string) {
    const presence = newPresence();
    const session = await database.pool.connect();
    await session.query(holdPresence(presence));
    await mint(id);
    const worker = createToolRunStore(database.pool, presence);
    await worker.open(id);
    return { worker, die: () => session.release(true) };
  }
  const another = () => createToolRunStore(database.pool, newPresence());

  it('gets no verdict while that process lives, and its outcome counts', async () => {
    const { worker, die } = await claimedByWorker('job-6');

    await expect(another().open('job-6', 'WORKER_LOST')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await worker.finish('job-6', succeededOutcome('acted'));

    expect(await another().open('job-6', 'WORKER_LOST')).toBeNull();
    die();
  });

  it('is opened for its verdict once that process is dead', async () => {
    const { die } = await claimedByWorker('job-7');

    die();
    const look = () => another().open('job-7', 'WORKER_LOST');
    await until(() => look().then(Boolean, () => false));

    expect(await look()).toMatchObject({ wasClaimed: true });
  });

  it('is not waited for longer than a tool may take, nor when it failed by itself', async () => {
    const [slow, failed] = [await claimedByWorker('job-8'), await claimedByWorker('job-9')];
    await database.pool.query(
      `update tool_runs set claimed_at = now() - interval '11 minutes' where id = 'job-8'`,
    );

    expect(await another().open('job-8', 'WORKER_LOST')).toMatchObject({ wasClaimed: true });
    expect(await another().open('job-9', 'INTERNAL')).toMatchObject({ wasClaimed: true });
    slow.die();
    failed.die();
  });
});
