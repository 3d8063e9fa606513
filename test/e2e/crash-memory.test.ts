import fs from 'node:fs';
import path from 'node:path';
import { startFakeEmbeddings, type FakeEmbeddings } from '../support/fake-embeddings';
import { startFakeOpenAI, type FakeOpenAi, type FakeReply, type FakeRequest } from '../support/fake-openai';
import { directiveScript } from '../support/fake-openai-script';
import { createGate, type Gate } from '../support/five-steps';
import { blockValue, call, createAgent, runEnd, sendAsync } from '../support/live-api';
import { startLiveEverturn, type LiveEverturn } from '../support/live-everturn';
import { temporaryFolder, until } from '../support/started';

// kill -9 of everything while memory is written: each write is there once, with its history, after the next start. Edits of
// blocks in a turn are killed in crash-whole-tree.

const home = path.join(temporaryFolder(), 'data');
let fake: FakeOpenAi;
let embeddings: FakeEmbeddings;
let everturn: LiveEverturn;
/** Where the next reply to a user's message, or the sleeper's next edit, waits. */
let gates: { user?: Gate; sleeper?: Gate } = {};

async function script(request: FakeRequest): Promise<FakeReply> {
  const at = request.turns.findLastIndex(({ text }) => text.includes('<transcript>'));
  if (at === -1) {
    await gates.user?.pass();
    return directiveScript(request);
  }
  const after = request.turns.slice(at + 1).filter(({ role }) => role === 'assistant').length;
  if (after > 0) return { toolCalls: [{ name: 'memory_finish_edits', arguments: {} }] };
  await gates.sleeper?.pass();
  const said = (request.turns[at]!.text.match(/^user: .*$/gm) ?? []).map((line) => line.slice(6)).join(', ');
  return { toolCalls: [{ name: 'memory_insert', arguments: { label: 'human', new_string: said } }] };
}

beforeAll(async () => {
  [fake, embeddings] = await Promise.all([startFakeOpenAI({ script }), startFakeEmbeddings()]);
  everturn = await start();
});
afterAll(async () => {
  await everturn.stop();
  await Promise.all([fake.close(), embeddings.close()]);
  fs.rmSync(path.dirname(home), { recursive: true, force: true });
});

const start = () => startLiveEverturn(home, fake.url, { EMBEDDINGS_BASE_URL: embeddings.url });

async function killAll(): Promise<void> {
  await everturn.killTree();
  for (const gate of Object.values(gates)) gate.open();
  gates = {};
  everturn = await start();
}

const rows = async <Row>(sql: string, ...values: readonly unknown[]): Promise<readonly Row[]> =>
  (await everturn.database.query(sql, [...values])).rows as Row[];
const hasRow = (sql: string, ...values: readonly unknown[]) =>
  until(async () => (await rows(sql, ...values)).length > 0);
/** This session holds rows until it dies, and what writes to them waits inside its transaction. */
const lock = (table: string, id: string) =>
  everturn.database.query(`begin; select from ${table} where id = '${id}' for update`);
const somebodyWaits = () =>
  hasRow(`select from pg_stat_activity where wait_event_type = 'Lock' and datname = 'everturn'`);
/** Temporal hears nothing from here on. */
const deafen = () => process.kill(everturn.pidOf('temporal'), 'SIGSTOP');

interface Point {
  readonly name: string;
  /** Brings the write to the point, once the model's reply waits at the gate. */
  reach(
    locked: { readonly table: string; readonly id: string },
    isStored: () => Promise<void>,
  ): Promise<void>;
}
const IN_ITS_TRANSACTION: Point = {
  name: 'in its transaction',
  async reach({ table, id }) {
    await lock(table, id);
    for (const gate of Object.values(gates)) gate.open();
    await somebodyWaits();
  },
};
const STORED: Point = {
  name: 'after it was stored and before Temporal heard of it',
  async reach({ table, id }, isStored) {
    await lock(table, id);
    for (const gate of Object.values(gates)) gate.open();
    await somebodyWaits();
    deafen();
    await everturn.database.query('commit');
    await isStored();
  },
};
const POINTS = [IN_ITS_TRANSACTION, STORED];

const versionsOf = async (path: string) =>
  (
    await call<{ version: number; author: { kind: string } }[]>(
      everturn.url,
      'GET',
      `${path}/history?order=asc`,
    )
  ).map(({ version, author }) => [version, author.kind]);

it.each(POINTS)('a passage whose insert is killed $name is stored once', async (point) => {
  const agent = await createAgent(everturn.url, { tools: ['archival_memory_insert'] });
  const archive = await call<{ id: string }>(everturn.url, 'POST', '/v1/archives/', {
    name: 'kept',
    embedding: 'embeddings/meaning',
  });
  await call(everturn.url, 'PATCH', `/v1/agents/${agent.id}/archives/attach/${archive.id}`);
  gates.user = createGate();
  const runId = await sendAsync(
    everturn.url,
    agent.id,
    'CALL archival_memory_insert {"content":"exactly once"}',
  );
  await gates.user.reached;
  await point.reach({ table: 'archives', id: archive.id }, () =>
    hasRow(`select from tool_executions where run_id = $1 and status = 'done'`, runId),
  );

  await killAll();

  expect(await runEnd(everturn.url, runId)).toMatchObject({ status: 'completed', stop_reason: 'end_turn' });
  expect(await versionsOf(`/v1/archives/${archive.id}`)).toEqual([[1, 'tool']]);
  // Its vector comes as well: at once, or when the minute is over that the dead worker had taken for it.
  const vector = `select from passages where archive_id = $1 and embedding is not null`;
  await until(async () => (await rows(vector, archive.id)).length > 0, 120_000);
});

it('passages that a client sends are stored once when it sends them again after everything died', async () => {
  const archive = await call<{ id: string }>(everturn.url, 'POST', '/v1/archives/', { name: 'sent' });
  const send = () =>
    fetch(`${everturn.url}/v1/archives/${archive.id}/passages/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'sent-again' },
      body: JSON.stringify({ passages: [{ text: 'one' }, { text: 'two' }] }),
    });
  await lock('archives', archive.id);
  const lost = send().catch(() => undefined);
  await somebodyWaits();

  await killAll();
  await lost;
  expect((await send()).status).toBe(200);
  expect((await send()).status).toBe(200);

  expect(await versionsOf(`/v1/archives/${archive.id}`)).toEqual([
    [1, 'api'],
    [1, 'api'],
  ]);
});

/** As an archive is that never had a model. */
async function forgetVectors(archiveId: string): Promise<void> {
  await everturn.database.query(`delete from embedding_cache`);
  await everturn.database.query(`update archives set embedding = null where id = $1`, [archiveId]);
  await everturn.database.query(
    `update passages set embedding = null, embedding_model = null, embedding_due = null where archive_id = $1`,
    [archiveId],
  );
}

it.each(POINTS)("a change of an archive's model that is killed $name goes on where it was", async (point) => {
  const archive = await call<{ id: string }>(everturn.url, 'POST', '/v1/archives/', { name: 'moving' });
  const texts = Array.from({ length: 100 }, (_, n) => `${point.name} ${n}`);
  await call(everturn.url, 'POST', `/v1/archives/${archive.id}/passages/batch`, {
    passages: texts.map((text) => ({ text })),
  });
  await forgetVectors(archive.id);
  const open = embeddings.hold(0);
  await call(everturn.url, 'PATCH', `/v1/archives/${archive.id}`, { embedding: 'embeddings/meaning' });
  await until(() => texts.some((text) => embeddings.timesAsked(text) > 1));
  gates.user = { reached: Promise.resolve(), pass: () => Promise.resolve(), open };
  const [reembed] = await rows<{ id: string }>(`select id from reembeds where archive_id = $1`, archive.id);
  await point.reach({ table: 'reembeds', id: reembed!.id }, () =>
    hasRow(`select from reembeds where id = $1 and done = 64`, reembed!.id),
  );

  await killAll();

  await hasRow(`select from reembeds where id = $1 and status = 'completed' and done = 100`, reembed!.id);
  expect(
    await rows(
      `select count(*)::int as n from passages where archive_id = $1 and embedding_model = 'embeddings/meaning'`,
      archive.id,
    ),
  ).toEqual([{ n: 100 }]);
  // Vectors that were answered are not asked for again, and a change of model is no write of a passage.
  expect(new Set(texts.map((text) => embeddings.timesAsked(text)))).toEqual(new Set([2]));
  expect(await versionsOf(`/v1/archives/${archive.id}`)).toEqual(
    [...Array<unknown>(50)].map(() => [1, 'api']),
  );
});

describe('a run of a sleeper', () => {
  const createWatched = () => createAgent(everturn.url, { enable_sleeptime: true });
  const sleeperRunOf = async (runId: string): Promise<string> => {
    await hasRow(`select from runs where metadata ->> 'caller_run_id' = $1`, runId);
    const [run] = await rows<{ id: string }>(
      `select id from runs where metadata ->> 'caller_run_id' = $1`,
      runId,
    );
    return run!.id;
  };

  it('is started once when everything died after the turn that woke it was stored', async () => {
    const agent = await createWatched();
    gates.user = createGate();
    const runId = await sendAsync(everturn.url, agent.id, 'one');
    await gates.user.reached;
    deafen();
    gates.user.open();
    const sleeperRun = await sleeperRunOf(runId);

    await killAll();

    expect(await runEnd(everturn.url, sleeperRun)).toMatchObject({ stop_reason: 'tool_rule' });
    expect(await blockValue(everturn.url, agent.blockId)).toBe('start\none');
    expect(await rows(`select from runs where metadata ->> 'run_type' = 'sleeptime' and id <> $1 and metadata ->> 'caller_run_id' = $2`, sleeperRun, runId)).toEqual([]); // prettier-ignore
  });

  it.each(POINTS)('edits once when its edit is killed $name', async (point) => {
    const agent = await createWatched();
    gates.sleeper = createGate();
    const sleeperRun = await sleeperRunOf(await sendAsync(everturn.url, agent.id, 'one'));
    await gates.sleeper.reached;
    await point.reach({ table: 'blocks', id: agent.blockId }, () =>
      hasRow(`select from tool_executions where run_id = $1 and status = 'done'`, sleeperRun),
    );

    await killAll();

    expect(await runEnd(everturn.url, sleeperRun)).toMatchObject({ stop_reason: 'tool_rule' });
    expect(await blockValue(everturn.url, agent.blockId)).toBe('start\none');
    expect(await versionsOf(`/v1/blocks/${agent.blockId}`)).toEqual([
      [1, 'api'],
      [2, 'tool'],
    ]);
  });
});
