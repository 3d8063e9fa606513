import { createSearches } from '../../../db/search/searches';
import { cachedEmbedder } from '../../../db/vectors/embedding-cache';
import { fillEmbeddings } from '../../../db/vectors/fill-embeddings';
import { enqueueMessages } from '../../../db/vectors/message-embeddings';
import { createVectorCache } from '../../../db/vectors/vector-cache';
import { inTransaction, type Pool } from '../../../db/pool';
import type { EmbeddingTarget } from '../../../domain/embedder';
import type { MessagePart } from '../../../domain/message';
import type { Found, MessageHit, MessageQuery, Searches } from '../../../domain/search';
import { createEmbedder } from '../../../llm/embeddings/embedder';
import { startFakeEmbeddings, type FakeEmbeddings } from '../../support/fake-embeddings';
import { insertAgent, insertConversation, insertMessage } from '../../support/rows';
import { createTestDatabase, type TestDatabase } from '../../support/stack';

let database: TestDatabase;
let pool: Pool;
let fake: FakeEmbeddings;
let messages: Searches['messages'];
beforeAll(async () => {
  database = await createTestDatabase();
  pool = database.pool;
  fake = await startFakeEmbeddings({ synonyms: [['car', 'automobile', 'vehicle']] });
  messages = createSearches({
    pool,
    embedder: embedder(),
    vectors: createVectorCache(pool),
    onFailure,
  }).messages;
});
afterAll(async () => {
  await fake.close();
  await database.drop();
});
afterEach(() => fake.trouble(null));

const SMALL = { embedding: 'openai/text-embedding-3-small', dimensions: 1536 };
const LARGE = { embedding: 'openai/text-embedding-3-large', dimensions: 3072 };
const FALLBACK: EmbeddingTarget = { handle: SMALL.embedding, dimensions: SMALL.dimensions };
const { signal } = new AbortController();
const failures: unknown[] = [];
const onFailure = (error: unknown) => void failures.push(error);
const embedder = () => cachedEmbedder(pool, createEmbedder({ openai: { apiKey: 'k', baseUrl: fake.url } }));

async function fill(fallback: EmbeddingTarget | null = null): Promise<void> {
  // The first round puts down what is new; failures put rows off, so that it ends in every case.
  while (await fillEmbeddings({ pool, embedder: embedder(), onFailure }, fallback, signal));
}
async function give(agentId: string, model: typeof SMALL | null): Promise<string> {
  await pool.query(`update agents set embedding = $2, embedding_config = $3 where id = $1`, [
    agentId,
    model?.embedding ?? null,
    model && { embedding_dim: model.dimensions },
  ]);
  return agentId;
}
const agentWith = async (model: typeof SMALL | null) => give(await insertAgent(pool), model);
const say = (agentId: string, text: string, columns: Readonly<Record<string, unknown>> = {}) =>
  insertMessage(pool, agentId, { role: 'user', parts: [{ type: 'text', text }], ...columns });
const search = (agentId: string | null, text: string | null, fields: Partial<MessageQuery> = {}) =>
  messages.search({
    agentId,
    text,
    mode: 'hybrid',
    roles: ['user', 'assistant'],
    conversationId: null,
    from: null,
    to: null,
    limit: 10,
    ...fields,
  });
const texts = ({ hits }: Found<MessageHit>) =>
  hits.map(({ message }) => message.parts.map((part) => ('text' in part ? part.text : '')).join());
const vectorsOf = async (agentId: string) =>
  (
    await pool.query(
      `select embedding_model as model, embedding_due as due, embedding_error as error, embedding_tries as tries,
              embedding is not null as has from message_embeddings where agent_id = $1`,
      [agentId],
    )
  ).rows;

it('finds a message by its words at once, and by its meaning when its vector was filled in', async () => {
  const agentId = await agentWith(SMALL);
  await say(agentId, 'I bought an automobile');
  await say(agentId, 'The weather is fine', { role: 'assistant' });

  const before = await search(agentId, 'car');
  await fill();
  const after = await search(agentId, 'car', { limit: 1 });

  expect(texts(before)).toEqual([]);
  expect(before.mode).toBe('text');
  expect(texts(after)).toEqual(['I bought an automobile']);
  expect(after).toMatchObject({ mode: 'hybrid', reason: null });
  expect(after.hits[0]).toMatchObject({ textRank: null, vectorRank: 1 });
});

it('leaves agents without an embedding model to their words', async () => {
  const agentId = await agentWith(null);
  await say(agentId, 'an automobile of mine');
  await fill();

  expect(await vectorsOf(agentId)).toEqual([]);
  expect(await search(agentId, 'automobile')).toMatchObject({ mode: 'text', reason: 'no embedding model' });
  expect(texts(await search(agentId, 'car'))).toEqual([]);
});

it('embeds for agents without a model of their own by that of the server, what was said before included', async () => {
  const agentId = await agentWith(null);
  await say(agentId, 'an automobile of theirs');
  await fill();
  await fill(FALLBACK);

  expect(texts(await search(agentId, 'car'))).toEqual(['an automobile of theirs']);
});

it('embeds what users and agents say, and neither tools, system messages nor what holds no text', async () => {
  const agentId = await agentWith(SMALL);
  const call: MessagePart = { type: 'tool_call', id: 'c', name: 'f', arguments: '{}' };
  await say(agentId, 'spoken');
  await say(agentId, ' \n\t ');
  await say(agentId, 'compiled', { role: 'system' });
  await insertMessage(pool, agentId, { role: 'assistant', parts: [call] });
  await insertMessage(pool, agentId, {
    role: 'tool',
    parts: [{ type: 'tool_return', toolCallId: 'c', name: 'f', status: 'success', result: 'a vehicle' } as MessagePart], // prettier-ignore
  });
  await fill();

  expect(await vectorsOf(agentId)).toHaveLength(1);
  const found = await search(agentId, 'vehicle', { roles: ['tool'] });
  expect(found).toMatchObject({ mode: 'text', hits: [{ textRank: 1, vectorRank: null }] });
});

it('narrows by role, conversation and date before it ranks by meaning', async () => {
  const agentId = await agentWith(SMALL);
  const conversation = await insertConversation(pool, agentId);
  await say(agentId, 'automobile one', { created_at: '2025-01-01' });
  await say(agentId, 'automobile two', { created_at: '2025-02-01', role: 'assistant' });
  await say(agentId, 'automobile three', { created_at: '2025-03-01', conversation_id: conversation });
  await fill();

  expect(texts(await search(agentId, 'car', { roles: ['assistant'] }))).toEqual(['automobile two']);
  expect(texts(await search(agentId, 'car', { conversationId: conversation }))).toEqual(['automobile three']);
  const { from, to } = { from: new Date('2025-01-15'), to: new Date('2025-02-15') };
  expect(texts(await search(agentId, 'car', { from, to }))).toEqual(['automobile two']);
  expect(texts(await search(null, 'car', { to: new Date('2025-01-15') }))).toEqual(['automobile one']);
  expect(texts(await search(agentId, null, { limit: 2 }))).toEqual(['automobile three', 'automobile two']);
});

it('ranks by what was asked for: words alone, vectors alone, or both', async () => {
  const agentId = await agentWith(SMALL);
  await say(agentId, 'the car is red');
  await say(agentId, 'a vehicle');
  await fill();

  const by = (mode: MessageQuery['mode']) => search(agentId, 'car', { mode });

  expect(await by('text')).toMatchObject({ mode: 'text', reason: null, hits: [{ textRank: 1, vectorRank: null }] }); // prettier-ignore
  expect(texts(await by('text'))).toEqual(['the car is red']);
  expect(await by('vector')).toMatchObject({ mode: 'vector', hits: [{ textRank: null, vectorRank: 1 }, {}] });
  expect(texts(await by('hybrid'))[0]).toBe('the car is red');
  const wordsOnly = await agentWith(null);
  await say(wordsOnly, 'my car');
  const fallen = await search(wordsOnly, 'car', { mode: 'vector' });
  expect(texts(fallen)).toEqual(['my car']);
  expect(fallen).toMatchObject({ mode: 'text', reason: 'no embedding model' });
});

it('gives an agent whose model has changed vectors of the new one, and finds by words meanwhile', async () => {
  const agentId = await agentWith(SMALL);
  await say(agentId, 'an automobile once');
  await fill();
  await give(agentId, LARGE);
  await enqueueMessages(pool, null);

  const meanwhile = await search(agentId, 'automobile');
  await fill();

  expect(texts(meanwhile)).toEqual(['an automobile once']);
  expect(await vectorsOf(agentId)).toMatchObject([{ model: LARGE.embedding, due: null, has: true }]);
  expect(texts(await search(agentId, 'car'))).toEqual(['an automobile once']);
});

it('does not keep a vector that was asked of a model which the agent has no more', async () => {
  const agentId = await agentWith(SMALL);
  await say(agentId, `asked of the first ${agentId}`);
  await enqueueMessages(pool, null);
  const before = fake.requests.length;
  const open = fake.hold();
  const filling = fillEmbeddings({ pool, embedder: embedder(), onFailure }, null, signal);
  while (fake.requests.length === before) await new Promise((resolve) => setImmediate(resolve));
  await give(agentId, LARGE);
  await pool.query(`update message_embeddings set embedding_due = now() where agent_id = $1`, [agentId]);
  open();
  await filling;
  await fill();

  expect(await vectorsOf(agentId)).toMatchObject([{ model: LARGE.embedding, has: true }]);
});

it('loses no message that is committed after a later one was embedded', async () => {
  const agentId = await agentWith(SMALL);
  // The messages of one conversation are committed in their order; those of two are not.
  const other = await insertConversation(pool, agentId);
  await inTransaction(pool, async (tx) => {
    await tx.query(`update agents set name = name where id = $1`, [agentId]);
    await tx.query(
      `insert into messages (id, agent_id, conversation_id, role, parts) values ('message-late-' || $1, $1, $3, 'user', $2)`,
      [agentId, JSON.stringify([{ type: 'text', text: 'late automobile' }]), other],
    );
    await say(agentId, 'early automobile');
    await fill();
    await fill();
    expect(texts(await search(agentId, 'car'))).toEqual(['early automobile']);
  });
  await fill();

  expect(texts(await search(agentId, 'car')).sort()).toEqual(['early automobile', 'late automobile']);
});

it('lets vectors go with their messages, and what was said with its agent', async () => {
  const agentId = await agentWith(SMALL);
  const gone = await say(agentId, 'automobile to forget');
  await say(agentId, 'automobile to keep');
  await fill();
  expect(texts(await search(agentId, 'car'))).toHaveLength(2);

  await pool.query(`delete from messages where id = $1`, [gone]);

  expect(texts(await search(agentId, 'car'))).toEqual(['automobile to keep']);
  await pool.query(`delete from agents where id = $1`, [agentId]);
  expect(await vectorsOf(agentId)).toEqual([]);
});

it('keeps what an outage left without a vector due, with the reason, and goes on when it is over', async () => {
  const agentId = await agentWith(SMALL);
  await say(agentId, `automobile in the storm ${agentId}`);
  fake.trouble({ status: 503 });
  await fill();

  expect(await vectorsOf(agentId)).toMatchObject([
    { tries: 1, error: expect.stringMatching(/\w/), has: false },
  ]);
  expect(texts(await search(agentId, 'storm'))).toHaveLength(1);
  fake.trouble(null);
  await pool.query(`update message_embeddings set embedding_due = now() where agent_id = $1`, [agentId]);
  await fill();
  expect(await vectorsOf(agentId)).toMatchObject([{ tries: 0, error: null, due: null, has: true }]);
});

it.each([
  ['of another length', { vector: [1, 2] }, '2 numbers where 1536'],
  ['with holes', { vector: new Array(1536).fill(null) }, 'not finite numbers'],
  ['that are no vectors', { vector: 'none' }, 'without vectors'],
])('stores no vectors %s, and says why', async (_what, trouble, reason) => {
  const agentId = await agentWith(SMALL);
  await say(agentId, `odd answer ${agentId}`);
  fake.trouble(trouble);
  await fill();

  expect(await vectorsOf(agentId)).toMatchObject([{ has: false, error: expect.stringContaining(reason) }]);
  const found = await search(agentId, 'odd answer');
  expect(texts(found)).toHaveLength(1);
});

it('asks for the vector of a text once, whoever said it', async () => {
  const text = `said twice ${Math.random()}`;
  const [first, second] = [await agentWith(SMALL), await agentWith(SMALL)];
  await say(first, text);
  await say(second, text);
  await fill();

  expect(fake.timesAsked(text)).toBe(1);
});

it('embeds each message once when several workers do it at a time', async () => {
  const agentId = await agentWith(SMALL);
  const said = Array.from({ length: 150 }, (_, n) => `many ${n} ${agentId}`);
  for (const text of said) await say(agentId, text);

  await Promise.all([fill(), fill(), fill()]);
  await fill();

  expect((await vectorsOf(agentId)).filter(({ has }) => has)).toHaveLength(150);
  expect(said.map((text) => fake.timesAsked(text))).toEqual(said.map(() => 1));
});

it('takes texts of every kind: every plane of Unicode, a megabyte, and configurations that say nothing', async () => {
  const agentId = await agentWith(SMALL);
  const planes = Array.from({ length: 17 }, (_, plane) => String.fromCodePoint(plane * 0x10000 + 0x3042)).join(' '); // prettier-ignore
  await say(agentId, planes);
  await say(agentId, `${'long story '.repeat(100_000)} automobile`);
  const odd = await agentWith(SMALL);
  await pool.query(`update agents set embedding_config = '{"embedding_dim": 1e30}' where id = $1`, [odd]);
  await say(odd, 'nobody knows how long');
  await fill();

  expect((await vectorsOf(agentId)).filter(({ has }) => has)).toHaveLength(2);
  expect(await vectorsOf(odd)).toEqual([]);
  expect(texts(await search(agentId, planes))[0]).toBe(planes);
});
