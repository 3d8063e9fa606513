import { createSearches } from '../../../db/search/searches';
import { ensureBuiltinTools } from '../../../db/tools';
import { cachedEmbedder } from '../../../db/vectors/embedding-cache';
import { fillEmbeddings } from '../../../db/vectors/fill-embeddings';
import { createVectorCache } from '../../../db/vectors/vector-cache';
import type { EmbeddingTarget } from '../../../domain/embedder';
import type { Searches, ToolQuery } from '../../../domain/search';
import type { BuiltinTool } from '../../../domain/tool';
import { createEmbedder } from '../../../llm/embeddings/embedder';
import { startFakeEmbeddings, type FakeEmbeddings } from '../../support/fake-embeddings';
import { createTestDatabase, type TestDatabase } from '../../support/stack';

let database: TestDatabase;
let fake: FakeEmbeddings;
let tools: Searches['tools'];
const tool = (name: string, description: string): BuiltinTool => ({
  name,
  toolType: 'letta_builtin',
  description,
  parameters: { type: 'object', properties: {}, required: [] },
  effects: 'read',
  enableParallelExecution: false,
});
const failures: unknown[] = [];
const onFailure = (error: unknown) => void failures.push(error);
beforeAll(async () => {
  database = await createTestDatabase();
  fake = await startFakeEmbeddings({ synonyms: [['car', 'automobile', 'vehicle']] });
  const vectors = createVectorCache(database.pool);
  tools = createSearches({ pool: database.pool, embedder: embedder(), vectors, onFailure }).tools;
});
afterAll(async () => {
  await fake.close();
  await database.drop();
});

const embedder = () =>
  cachedEmbedder(database.pool, createEmbedder({ openai: { apiKey: 'k', baseUrl: fake.url } }));
const SMALL: EmbeddingTarget = { handle: 'openai/text-embedding-3-small', dimensions: 1536 };
const LARGE: EmbeddingTarget = { handle: 'openai/text-embedding-3-large', dimensions: 3072 };
async function fill(model: EmbeddingTarget | null): Promise<void> {
  const deps = { pool: database.pool, embedder: embedder(), onFailure };
  while (await fillEmbeddings(deps, model, new AbortController().signal));
}
const search = (text: string | null, fields: Partial<ToolQuery> = {}) =>
  tools.search({ text, mode: 'hybrid', types: [], tags: [], limit: 10, ...fields });
const names = async (...args: Parameters<typeof search>) =>
  (await search(...args)).hits.map((hit) => hit.tool.name);

it('finds tools by meaning once they have vectors, follows their changes, and stays with words until then', async () => {
  await ensureBuiltinTools(database.pool, [
    tool('rent_automobile', 'Rents one.'),
    tool('bake_bread', 'Bakes.'),
  ]);

  await fill(null);
  expect(await names('car')).toEqual([]);
  expect(await search('bread')).toMatchObject({ mode: 'text', reason: 'no embedding model' });

  await fill(SMALL);
  expect(await names('car', { limit: 1 })).toEqual(['rent_automobile']);
  expect(await search('rent automobile')).toMatchObject({ mode: 'hybrid', hits: [{ textRank: 1, vectorRank: 1 }, {}] }); // prettier-ignore
  expect(await names('car', { types: ['custom'] })).toEqual([]);

  const asked = fake.requests.flat().length;
  await fill(SMALL);
  expect(fake.requests.flat()).toHaveLength(asked);

  await ensureBuiltinTools(database.pool, [tool('bake_bread', 'Delivers by vehicle, vehicle, vehicle.')]);
  await fill(SMALL);
  expect(await names('car', { limit: 2 })).toContain('bake_bread');
  expect(await names('vehicle', { mode: 'text' })).toEqual(['bake_bread']);

  await fill(LARGE);
  const { rows } = await database.pool.query(`select distinct embedding_model as model from tool_embeddings`);
  expect(rows).toEqual([{ model: LARGE.handle }]);
  expect((await search('car')).mode).toBe('hybrid');

  await database.pool.query(`delete from tools where name = 'rent_automobile'`);
  expect(await names('car')).toEqual(['bake_bread']);
  expect(failures).toEqual([]);
});
