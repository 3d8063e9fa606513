import { insertArchive } from '../../../db/archives/archives';
import { cachedEmbedder } from '../../../db/vectors/embedding-cache';
import { getPassages, insertPassages } from '../../../db/archives/passages';
import { changeArchive, createReembedStore, findStrandedReembeds } from '../../../db/archives/reembeds';
import { inTransaction, type Pool } from '../../../db/pool';
import { createEmbedder } from '../../../llm/embeddings/embedder';
import { newId } from '../../../new-id';
import { startFakeEmbeddings, type FakeEmbeddings } from '../../support/fake-embeddings';
import { until } from '../../support/started';
import { createTestDatabase, type TestDatabase } from '../../support/stack';

let database: TestDatabase;
let fake: FakeEmbeddings;
beforeAll(async () => {
  database = await createTestDatabase();
  fake = await startFakeEmbeddings();
});
afterAll(async () => {
  await fake.close();
  await database.drop();
});
afterEach(() => fake.trouble(null));

const { signal } = new AbortController();
const config = (dimensions: number) => ({ embedding_dim: dimensions });
const LARGE = { embedding: 'openai/text-embedding-3-large', embeddingConfig: config(3072) };
const embedder = () =>
  cachedEmbedder(database.pool, createEmbedder({ openai: { apiKey: 'k', baseUrl: fake.url } }));
const store = () => createReembedStore(database.pool, embedder());

/** An archive with so many passages, whose model has just changed to the large one. */
async function changed(count: number) {
  const { pool: db } = database;
  const archive = await insertArchive(db, { id: newId('archive'), name: 'a', description: null, metadata: null, embedding: 'openai/text-embedding-3-small', embeddingConfig: config(1536) }); // prettier-ignore
  const passages = Array.from({ length: count }, (_, n) => ({
    passage: { id: newId('passage'), text: `${archive.id} ${n}`, tags: [], metadata: {}, createdAt: null },
    embedding: { model: 'openai/text-embedding-3-small', vector: new Float32Array(1536).fill(1) },
  }));
  await insertPassages(db, archive.id, passages);
  const reembedId = newId('job');
  await inTransaction(db, (tx) => changeArchive(tx, { id: archive.id, patch: LARGE, reembedId }));
  return { archive, reembedId, passages: passages.map(({ passage }) => passage) };
}

async function runToEnd(reembedId: string): Promise<number> {
  for (let batches = 0; ; batches++) if ((await store().embedNext(reembedId, signal)).isDone) return batches;
}
const stateOf = async (reembedId: string) =>
  (await database.pool.query(`select status, done, error from reembeds where id = $1`, [reembedId])).rows[0];
const dimensions = async (ids: readonly string[]) =>
  new Set((await getPassages(database.pool, ids)).map(({ embedding }) => embedding?.length ?? null));

it('gives every passage a vector of the new model, in batches', async () => {
  const { reembedId, passages } = await changed(130);

  expect(await runToEnd(reembedId)).toBe(3);

  expect(await dimensions(passages.map(({ id }) => id))).toEqual(new Set([3072]));
  expect(await stateOf(reembedId)).toEqual({ status: 'completed', done: 130, error: null });
});

it('asks for no text twice when an attempt dies after the answer and before it is stored', async () => {
  const { archive, reembedId, passages } = await changed(3);
  const dying = {
    query: database.pool.query.bind(database.pool),
    connect: () => Promise.reject(new Error('the process died here')),
  } as unknown as Pool; // its transactions never begin
  const broken = createReembedStore(dying, embedder());

  await expect(broken.embedNext(reembedId, signal)).rejects.toThrow('died here');
  const before = await dimensions(passages.map(({ id }) => id));
  await runToEnd(reembedId);

  expect(before).toEqual(new Set([1536]));
  expect(await dimensions(passages.map(({ id }) => id))).toEqual(new Set([3072]));
  expect(passages.map(({ text }) => fake.timesAsked(text))).toEqual([1, 1, 1]);
  expect(archive.embedding).not.toBe(LARGE.embedding);
});

it('stores a batch once when two attempts bring it, and counts it once', async () => {
  const { reembedId } = await changed(5);
  const asked = fake.requests.length;
  const open = fake.hold();
  const both = Promise.all([store().embedNext(reembedId, signal), store().embedNext(reembedId, signal)]);
  await until(() => fake.requests.length === asked + 2);
  open();

  await both;

  expect(await stateOf(reembedId)).toMatchObject({ done: 5, status: 'running' });
});

it('ends with the reason when the model gives vectors of the wrong form, and waits for one that is away', async () => {
  const { reembedId } = await changed(2);

  fake.trouble({ status: 503 });
  await expect(store().embedNext(reembedId, signal)).rejects.toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  fake.trouble({ vector: [1, 2] });
  await runToEnd(reembedId);

  expect(await stateOf(reembedId)).toMatchObject({
    status: 'failed',
    error: expect.stringContaining('2 numbers'),
  });
});

it('gives way to a further change', async () => {
  const { archive, reembedId } = await changed(2);
  const next = newId('job');
  const small = { embedding: 'openai/text-embedding-3-small', embeddingConfig: config(1536) };

  await inTransaction(database.pool, (tx) =>
    changeArchive(tx, { id: archive.id, patch: small, reembedId: next }),
  );

  expect(await store().embedNext(reembedId, signal)).toEqual({ isDone: true });
  expect(await stateOf(reembedId)).toMatchObject({ status: 'superseded', done: 0 });
  expect(await runToEnd(next)).toBe(1);
});

it('is found by the sweeper while no workflow has ended it', async () => {
  const { reembedId } = await changed(1);
  await database.pool.query(`update reembeds set created_at = now() - interval '1 minute' where id = $1`, [
    reembedId,
  ]);

  expect(await findStrandedReembeds(database.pool)).toContain(reembedId);
  await runToEnd(reembedId);
  expect(await findStrandedReembeds(database.pool)).not.toContain(reembedId);
});

it('is not needed when only the name changes', async () => {
  const { archive } = await changed(1);

  const change = await inTransaction(database.pool, (tx) =>
    changeArchive(tx, { id: archive.id, patch: { name: 'b' }, reembedId: newId('job') }),
  );

  expect(change).toMatchObject({ archive: { name: 'b' }, reembedId: null });
});
