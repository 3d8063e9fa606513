import fs from 'node:fs';
import { insertArchive } from '../../db/archives/archives';
import { deletePassage, insertPassages } from '../../db/archives/passages';
import { fillEmbeddings } from '../../db/vectors/fill-embeddings';
import { createPgvectors, preparePgvector } from '../../db/vectors/pgvector';
import { createVectorCache } from '../../db/vectors/vector-cache';
import { MESSAGES, PASSAGES, TOOLS, type VectorScope } from '../../db/vectors/vector-table';
import { createPool, type Pool } from '../../db/pool';
import type { Embedder } from '../../domain/embedder';
import { newId } from '../../new-id';
import { startFakeEmbeddings, type FakeEmbeddings } from '../support/fake-embeddings';
import { call } from '../support/live-api';
import { startLiveEverturn, type LiveEverturn } from '../support/live-everturn';
import { insertAgent, insertMessage } from '../support/rows';
import { createTestDatabase } from '../support/stack';
import { temporaryFolder, until } from '../support/started';
import { bringPgvector } from '../support/with-pgvector';

let home: string;
let live: LiveEverturn;
let embeddings: FakeEmbeddings;
let pool: Pool;
beforeAll(async () => {
  home = temporaryFolder();
  bringPgvector(home);
  embeddings = await startFakeEmbeddings({ synonyms: [['dog', 'hound']] });
  live = await startLiveEverturn(home, 'http://127.0.0.1:9/v1', { EMBEDDINGS_BASE_URL: embeddings.url });
  const { host, port, user, password, database } = live.database;
  pool = createPool(`postgresql://${user}:${password}@${host}:${port}/${database}`, {
    max: 10,
    onError: () => undefined,
  });
});
afterAll(async () => {
  await pool.end();
  await live.stop();
  await embeddings.close();
  fs.rmSync(home, { recursive: true, force: true });
});

const DIMENSIONS = 16;
const failures: unknown[] = [];

/** A vector that the number gives. */
const vectorOf = (seed: number) =>
  Float32Array.from({ length: DIMENSIONS }, (_, at) => Math.sin(seed * 12.9898 + at * 78.233) * 0.5);

async function archiveWith(
  count: number,
  db = pool,
): Promise<{ scope: VectorScope; ids: readonly string[] }> {
  const archive = await insertArchive(db, { id: newId('archive'), name: 'a', description: null, metadata: null, embedding: 'm', embeddingConfig: { embedding_dim: DIMENSIONS } }); // prettier-ignore
  const passages = Array.from({ length: count }, (_, n) => ({
    passage: { id: newId('passage'), text: `p ${n}`, tags: [], metadata: {}, createdAt: null },
    embedding: { model: 'm', vector: vectorOf(n) },
  }));
  await insertPassages(db, archive.id, passages);
  return {
    scope: { table: PASSAGES, owner: archive.id, model: 'm', dimensions: DIMENSIONS },
    ids: passages.map(({ passage }) => passage.id),
  };
}

it('is made ready by every process that starts, and left alone where it is not installed', async () => {
  expect(await Promise.all([preparePgvector(pool), preparePgvector(pool)])).toEqual([true, true]);

  const plain = await createTestDatabase();
  expect(await preparePgvector(plain.pool)).toBe(false);
  await plain.drop();
});

it('finds what the exact comparison in memory finds, vectors from before the extension included', async () => {
  const { scope } = await archiveWith(2_500);
  await archiveWith(50);
  const [pgvector, memory] = [
    createPgvectors(pool, (error) => failures.push(error)),
    createVectorCache(pool),
  ];

  for (const seed of [3.5, 900.2, 2_000.7]) {
    const options = { limit: 20, among: null };
    const found = await pgvector.nearest(scope, vectorOf(seed), options);
    expect(found).toEqual(await memory.nearest(scope, vectorOf(seed), options));
    expect(found).toHaveLength(20);
  }
});

it('sees what was written and deleted since its last look, and only what a filter allows', async () => {
  const { scope, ids } = await archiveWith(30);
  const pgvector = createPgvectors(pool, (error) => failures.push(error));
  const nearest = (limit: number, among: ReadonlySet<string> | null = null) =>
    pgvector.nearest(scope, vectorOf(7), { limit, among });
  expect((await nearest(1))![0]).toBe(ids[7]);

  await deletePassage(pool, scope.owner, ids[7]!);
  const passage = { id: newId('passage'), text: 'later', tags: [], metadata: {}, createdAt: null };
  await insertPassages(pool, scope.owner!, [{ passage, embedding: { model: 'm', vector: vectorOf(7) } }]);

  expect((await nearest(1))![0]).toBe(passage.id);
  expect(await nearest(10, new Set([ids[3]!, ids[4]!]))).toHaveLength(2);
  expect(await nearest(100)).toHaveLength(30);
});

it('makes an index for many vectors, and goes on finding the nearest of one archive among all', async () => {
  const { scope } = await archiveWith(10_000);
  const small = await archiveWith(40);
  const pgvector = createPgvectors(pool, (error) => failures.push(error));
  await pgvector.nearest(scope, vectorOf(1), { limit: 5, among: null });
  await until(
    async () => {
      const { rowCount } = await pool.query(
        `select from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.relname = 'passage_vectors_near_16' and i.indisvalid`,
      );
      return rowCount === 1;
    },
    60_000,
    () => String(failures),
  );

  const exact = await createVectorCache(pool).nearest(scope, vectorOf(77), { limit: 10, among: null });
  const found = await pgvector.nearest(scope, vectorOf(77), { limit: 10, among: null });
  const inSmall = await pgvector.nearest(small.scope, vectorOf(5), { limit: 10, among: null });

  expect(found!.filter((id) => exact!.includes(id)).length).toBeGreaterThanOrEqual(9);
  expect(inSmall).toHaveLength(10);
  expect(inSmall![0]).toBe(small.ids[5]);
  expect(failures).toEqual([]);
});

it('holds the vectors of messages and tools as it does those of passages, and gives them up with their rows', async () => {
  const agentId = await insertAgent(pool);
  await pool.query(
    `update agents set embedding = 'm', embedding_config = '{"embedding_dim": 16}' where id = $1`,
    [agentId],
  );
  const said = [1, 2, 3].map((seed) => ({ seed, text: `message ${seed}` }));
  const ids: string[] = [];
  for (const { text } of said)
    ids.push(await insertMessage(pool, agentId, { role: 'user', parts: [{ type: 'text', text }] }));
  const embedder: Embedder = {
    embed: (_target, texts) =>
      Promise.resolve(texts.map((text) => vectorOf(Number(text.split(' ').at(-1)) || 0))),
  };
  const deps = { pool, embedder, onFailure: (error: unknown) => failures.push(error) };
  while (await fillEmbeddings(deps, { handle: 'm', dimensions: 16 }, new AbortController().signal));
  const pgvector = createPgvectors(pool, (error) => failures.push(error));
  const scope = { table: MESSAGES, owner: agentId, model: 'm', dimensions: DIMENSIONS };
  const nearest = () => pgvector.nearest(scope, vectorOf(2), { limit: 1, among: null });

  expect(await nearest()).toEqual([ids[1]]);
  await pool.query(`delete from messages where id = $1`, [ids[1]]);
  expect(await nearest()).not.toEqual([ids[1]]);
  const tools = await pgvector.nearest({ ...scope, table: TOOLS, owner: null }, vectorOf(0), {
    limit: 3,
    among: null,
  });
  expect(tools).toHaveLength(3);
});

it('is what the server searches with once it was fetched', async () => {
  const archive = await call<{ id: string }>(live.url, 'POST', '/v1/archives/', { name: 'pets' });
  const passages = [{ text: 'the hound' }, { text: 'a stone' }];
  await call(live.url, 'POST', `/v1/archives/${archive.id}/passages/batch`, { passages });

  const found = await call<{ passage: { text: string } }[]>(live.url, 'POST', '/v1/passages/search', {
    archive_id: archive.id,
    query: 'dog',
    limit: 1,
  });

  expect(found.map(({ passage }) => passage.text)).toEqual(['the hound']);
  const copies = await pool.query(`select from passage_vectors where archive_id = $1`, [archive.id]);
  expect(copies.rowCount).toBe(2);
});
