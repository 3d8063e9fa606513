import { insertArchive } from '../../../db/archives/archives';
import { fillDueEmbeddings } from '../../../db/vectors/due-embeddings';
import { cachedEmbedder } from '../../../db/vectors/embedding-cache';
import { deletePassage, getPassages, insertPassages } from '../../../db/archives/passages';
import { createPassageSearch } from '../../../db/search/search-passages';
import { PASSAGES_DUE } from '../../../db/vectors/passage-embeddings';
import { createVectorCache } from '../../../db/vectors/vector-cache';
import { inTransaction } from '../../../db/pool';
import type { PassageQuery } from '../../../domain/search';
import { createEmbedder } from '../../../llm/embeddings/embedder';
import { newId } from '../../../new-id';
import { startFakeEmbeddings, type FakeEmbeddings } from '../../support/fake-embeddings';
import { createTestDatabase, type TestDatabase } from '../../support/stack';

let database: TestDatabase;
let fake: FakeEmbeddings;
beforeAll(async () => {
  database = await createTestDatabase();
  fake = await startFakeEmbeddings({ synonyms: [['car', 'automobile', 'vehicle']] });
});
afterAll(async () => {
  await fake.close();
  await database.drop();
});
afterEach(() => fake.trouble(null));

const MODEL = 'openai/text-embedding-3-small';
const { signal } = new AbortController();
const failures: unknown[] = [];
const embedder = () =>
  cachedEmbedder(database.pool, createEmbedder({ openai: { apiKey: 'k', baseUrl: fake.url } }));
const searchWith = (vectors = createVectorCache(database.pool)) =>
  createPassageSearch({ pool: database.pool, embedder: embedder(), vectors, onFailure: (error) => failures.push(error) }); // prettier-ignore
const fill = () =>
  fillDueEmbeddings({ pool: database.pool, embedder: embedder(), onFailure: (error) => failures.push(error) }, PASSAGES_DUE, signal); // prettier-ignore

async function archiveOf(...texts: readonly string[]): Promise<string> {
  const archive = await insertArchive(database.pool, { id: newId('archive'), name: 'a', description: null, metadata: null, embedding: MODEL, embeddingConfig: { embedding_dim: 1536 } }); // prettier-ignore
  await add(archive.id, ...texts);
  return archive.id;
}
async function add(archiveId: string, ...texts: readonly string[]): Promise<readonly string[]> {
  const passages = texts.map((text) => ({
    id: newId('passage'),
    text,
    tags: [],
    metadata: {},
    createdAt: null,
  }));
  await insertPassages(database.pool, archiveId, passages.map((passage) => ({ passage, embedding: null }))); // prettier-ignore
  return passages.map(({ id }) => id);
}
const query = (archiveId: string, text: string, fields: Partial<PassageQuery> = {}): PassageQuery => ({
  archiveIds: [archiveId],
  text,
  mode: 'hybrid',
  tags: [],
  tagMatch: 'any',
  from: null,
  to: null,
  limit: 10,
  ...fields,
});
const texts = (found: { hits: readonly { passage: { text: string } }[] }) =>
  found.hits.map((hit) => hit.passage.text);

it('finds a passage by its words at once, and by its meaning when its vector was filled in', async () => {
  const archiveId = await archiveOf('a fast automobile', 'an old stone');
  const search = searchWith();

  const before = await search.search(query(archiveId, 'car'));
  expect(await fill()).toBe(true);
  const after = await search.search(query(archiveId, 'car', { limit: 1 }));

  expect(texts(before)).toEqual([]);
  expect(texts(await search.search(query(archiveId, 'automobiles')))[0]).toBe('a fast automobile');
  expect(texts(after)).toEqual(['a fast automobile']);
  expect(after).toMatchObject({ mode: 'hybrid', reason: null });
  expect(await fill()).toBe(false);
});

it('puts first what both rankings have in front', async () => {
  const archiveId = await archiveOf('car and garage', 'vehicle', 'garage sale of garden tools');
  await fill();

  const { hits } = await searchWith().search(query(archiveId, 'car garage'));

  expect(hits[0]).toMatchObject({ passage: { text: 'car and garage' }, textRank: 1, vectorRank: 1 });
  expect(hits[0]!.score).toBeCloseTo((1.2 + 1) / 61, 10);
});

it('sees vectors that were written by another process since its last look, and none that were deleted', async () => {
  const archiveId = await archiveOf('first car');
  await fill();
  const search = searchWith();
  expect(texts(await search.search(query(archiveId, 'vehicle')))).toEqual(['first car']);

  const [second] = await add(archiveId, 'second car');
  await fill();
  const both = texts(await search.search(query(archiveId, 'vehicle')));
  await deletePassage(database.pool, archiveId, second!);

  expect(both.sort()).toEqual(['first car', 'second car']);
  expect(texts(await search.search(query(archiveId, 'vehicle')))).toEqual(['first car']);
});

it('sees a vector whose transaction began before the last look and was committed after it', async () => {
  const archiveId = await archiveOf('first car');
  await fill();
  const search = searchWith();
  const vector = (await embedder().embed({ handle: MODEL, dimensions: 1536 }, ['late car'], signal))[0]!;
  const passage = { id: newId('passage'), text: 'late car', tags: [], metadata: {}, createdAt: null };

  await inTransaction(database.pool, async (tx) => {
    await insertPassages(tx, archiveId, [{ passage, embedding: { model: MODEL, vector } }]);
    await add(archiveId, 'other car');
    await fill();
    expect(texts(await search.search(query(archiveId, 'vehicle'))).sort()).toEqual([
      'first car',
      'other car',
    ]);
  });

  expect(texts(await search.search(query(archiveId, 'vehicle'))).sort()).toEqual(['first car', 'late car', 'other car']); // prettier-ignore
});

it('answers by words when the model is away, and says so', async () => {
  const archiveId = await archiveOf('a lonely lighthouse');
  await fill();
  fake.trouble({ status: 500 });

  const found = await searchWith().search(query(archiveId, 'the lighthouse'));

  expect(texts(found)).toEqual(['a lonely lighthouse']);
  expect(found).toMatchObject({ mode: 'text', reason: 'the embedding model gives no answer' });
});

it('loses no passage in an outage: it is tried again later, with the reason noted', async () => {
  const archiveId = await archiveOf();
  const [id] = await add(archiveId, 'through the storm');
  fake.trouble({ status: 503 });
  await fill();
  const { rows } = await database.pool.query(
    `select embedding_tries, embedding_error, embedding_due > now() as later from passages where id = $1`,
    [id],
  );
  fake.trouble(null);
  await database.pool.query(`update passages set embedding_due = now() where id = $1`, [id]);
  await fill();

  expect(rows[0]).toMatchObject({
    embedding_tries: 1,
    later: true,
    embedding_error: expect.stringMatching(/\w/),
  });
  expect((await getPassages(database.pool, [id!]))[0]!.embedding).toHaveLength(1536);
});

it('gives each due passage to one worker', async () => {
  const archiveId = await archiveOf(
    ...Array.from({ length: 20 }, (_, n) => `unique text ${n} ${newId('job')}`),
  );
  const before = fake.requests.flat().length;

  await Promise.all([fill(), fill(), fill()]);

  expect(fake.requests.flat().length - before).toBe(20);
  const { rows } = await database.pool.query(
    `select count(*) filter (where embedding is null) as missing from passages where archive_id = $1`,
    [archiveId],
  );
  expect(rows[0].missing).toBe(0);
});

it('drops a vector of a model that the archive has no more, and computes the right one', async () => {
  const archiveId = await archiveOf();
  const passage = { id: newId('passage'), text: 'between models', tags: [], metadata: {}, createdAt: null };
  const vector = new Float32Array(3).fill(1);

  await insertPassages(database.pool, archiveId, [{ passage, embedding: { model: 'openai/other', vector } }]);
  const stored = await getPassages(database.pool, [passage.id]);
  await fill();

  expect(stored[0]!.embedding).toBeNull();
  expect((await getPassages(database.pool, [passage.id]))[0]!.embedding).toHaveLength(1536);
});

it('asks for the vector of a text once, whoever needs it', async () => {
  const text = `cached ${newId('job')}`;
  const first = await archiveOf(text);
  const second = await archiveOf(text);

  await fill();
  await searchWith().search(query(first, text));
  await searchWith().search(query(second, text));

  expect(fake.timesAsked(text)).toBe(1);
});

it('keeps and finds texts whose words are more than an index entry holds', async () => {
  const word = (n: number) => Array.from({ length: 4 }, (_, at) => String.fromCodePoint(0x20000 + ((n >> (at * 4)) & 15) + at * 16)).join(''); // prettier-ignore
  const text = `beginning ${Array.from({ length: 60_000 }, (_, n) => `${word(n)}-${word(n + 1)}`).join(' ')}`;
  const archiveId = await archiveOf(text);

  expect(text.length).toBeGreaterThan(500_000);
  expect(texts(await searchWith().search(query(archiveId, 'beginning')))).toEqual([text]);
});

it('compares vectors bit for bit as they were stored', async () => {
  const archiveId = await archiveOf();
  const numbers = new Float32Array(1536).map((_, at) => Math.fround(Math.sin(at) * 10 ** ((at % 60) - 30)));
  const passage = { id: newId('passage'), text: 'bits', tags: [], metadata: {}, createdAt: null };

  await insertPassages(database.pool, archiveId, [{ passage, embedding: { model: MODEL, vector: numbers } }]);

  expect((await getPassages(database.pool, [passage.id]))[0]!.embedding).toEqual(numbers);
});

it('leaves vectors out where they are more than memory may hold, and says so', async () => {
  const archiveId = await archiveOf('one car', 'two cars', 'three cars');
  await fill();
  const roomForTwo = createVectorCache(database.pool, 2 * (1.5 * 4 * 1536 + 128));

  const found = await searchWith(roomForTwo).search(query(archiveId, 'cars'));

  expect(texts(found).sort()).toEqual(['one car', 'three cars', 'two cars']);
  expect(found).toMatchObject({ mode: 'text', reason: expect.stringContaining('than memory may hold') });
});
