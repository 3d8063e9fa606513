import { fillEmbeddings } from '../../db/vectors/fill-embeddings';
import { createEmbedder } from '../../llm/embeddings/embedder';
import { newId } from '../../new-id';
import { type CrudApi, startCrudApi } from '../support/crud-api';
import { startFakeEmbeddings, type FakeEmbeddings } from '../support/fake-embeddings';
import { insertConversation, insertMessage } from '../support/rows';

let api: CrudApi;
let fake: FakeEmbeddings;
beforeAll(async () => {
  fake = await startFakeEmbeddings({ synonyms: [['car', 'automobile'], ['write', 'compose', 'replace']] }); // prettier-ignore
  api = await startCrudApi({}, { embedder: embedder() });
});
afterAll(async () => {
  await api.stop();
  await fake.close();
});

const embedder = () => createEmbedder({ openai: { apiKey: 'k', baseUrl: fake.url } });
const embedding = 'openai/text-embedding-3-small';
/** What a worker does behind the turns, tools by the model of the server included. */
async function fill(): Promise<void> {
  const deps = { pool: api.database.pool, embedder: embedder(), onFailure: () => undefined };
  const own = { handle: embedding, dimensions: 1536 };
  while (await fillEmbeddings(deps, own, new AbortController().signal));
}
const post = (path: string, body: unknown) =>
  fetch(api.baseUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
const ROUTES = ['/v1/messages/search', '/v1/tools/search', '/v1/passages/search'] as const;

const createAgent = async (fields: object = {}) =>
  (await api.call('POST', '/v1/agents/', { model: 'openai/gpt-4.1', ...fields })).body;

async function say(
  agentId: string,
  role: 'user' | 'assistant' | 'system',
  text: string,
  columns: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return insertMessage(api.database.pool, agentId, { role, parts: [{ type: 'text', text }], ...columns });
}
const search = async (fields: object) => (await api.call('POST', '/v1/messages/search', fields)).body;
const contents = (hits: { content: string }[]) => hits.map((hit) => hit.content);

describe('message search', () => {
  it('finds what users and agents said, by its words, and says whose it is', async () => {
    const agent = await createAgent();
    const id = await say(agent.id, 'user', 'My bicycle was stolen in Utrecht');
    await say(agent.id, 'assistant', 'Sorry about the bicycles.');
    await say(agent.id, 'user', 'Something else');

    const [first, second, ...rest] = await search({ query: 'stolen bicycle', agent_id: agent.id });

    expect(first).toEqual({
      message_type: 'user_message',
      content: 'My bicycle was stolen in Utrecht',
      message_id: id,
      agent_id: agent.id,
      conversation_id: null,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(second).toMatchObject({ message_type: 'assistant_message', content: 'Sorry about the bicycles.' });
    expect(rest).toEqual([]);
  });

  it('is narrowed by agent, conversation and date', async () => {
    const [mine, other] = [await createAgent(), await createAgent()];
    const conversation = await insertConversation(api.database.pool, mine.id);
    await say(mine.id, 'user', 'penguin one', { created_at: '2025-01-01' });
    await say(mine.id, 'user', 'penguin two', { conversation_id: conversation, created_at: '2025-02-01' });
    await say(other.id, 'user', 'penguin three', { created_at: '2025-03-01' });

    expect(contents(await search({ query: 'penguin' })).sort()).toEqual([
      'penguin one',
      'penguin three',
      'penguin two',
    ]);
    expect(contents(await search({ query: 'penguin', agent_id: other.id }))).toEqual(['penguin three']);
    expect(contents(await search({ query: 'penguin', conversation_id: conversation }))).toEqual([
      'penguin two',
    ]);
    expect(
      contents(await search({ query: 'penguin', agent_id: mine.id, conversation_id: 'default' })),
    ).toEqual(['penguin one']);
    expect(
      contents(await search({ query: 'penguin', start_date: '2025-01-15', end_date: '2025-02-15' })),
    ).toEqual(['penguin two']);
    expect(await search({ query: 'penguin', agent_id: newId('agent') })).toEqual([]);
  });

  it('puts the newest first among equals, and finds signs that are no words', async () => {
    const agent = await createAgent();
    for (const text of ['walrus swims', 'walrus sings', '🦭 ☂', '100%']) await say(agent.id, 'user', text);

    expect(contents(await search({ query: 'walrus', agent_id: agent.id }))).toEqual([
      'walrus sings',
      'walrus swims',
    ]);
    expect(contents(await search({ query: '🦭', agent_id: agent.id }))).toEqual(['🦭 ☂']);
    expect(contents(await search({ query: '%', agent_id: agent.id }))).toEqual(['100%']);
    expect(contents(await search({ query: "' or 1=1 --", agent_id: agent.id }))).toEqual([]);
    expect(contents(await search({ query: '', agent_id: agent.id, limit: 1 }))).toEqual(['100%']);
  });

  it.each([
    [{}],
    [{ query: 'x', limit: 0 }],
    [{ query: 'x', limit: 101 }],
    [{ query: 'x', search_mode: 'magic' }],
    [{ query: 'x', end_date: 'never' }],
  ])('refuses %j with 422', async (fields) => {
    expect((await api.call('POST', '/v1/messages/search', fields)).status).toBe(422);
  });
});

describe('tool search', () => {
  it('finds tools by the words of their names and descriptions, the best match first', async () => {
    const found = await api.call('POST', '/v1/tools/search', { query: 'replace memory' });

    expect(found.body[0]).toEqual({
      tool: expect.objectContaining({ name: 'memory_replace' }),
      embedded_text: expect.stringContaining('What memory_replace does.'),
      fts_rank: 1,
      vector_rank: null,
      combined_score: 1 / 61,
    });
    expect(found.body.map((hit: { tool: { name: string } }) => hit.tool.name)).toContain('memory_insert');
  });

  it('is narrowed by type and tag, and lists all tools without a query', async () => {
    const names = async (fields: object) =>
      (await api.call('POST', '/v1/tools/search', fields)).body.map(
        (hit: { tool: { name: string } }) => hit.tool.name,
      );

    expect(await names({ tool_types: ['letta_builtin'] })).toEqual(['run_code', 'web_search']);
    expect(await names({ tags: ['letta_core'] })).toEqual(['conversation_search']);
    expect(await names({ limit: 2 })).toHaveLength(2);
    expect(await names({ query: 'nothing like it' })).toEqual([]);
  });
});

describe('search by meaning', () => {
  it('answers with words until messages and tools have vectors, then with both, and says which in a header', async () => {
    const agent = await createAgent({ embedding });
    const id = await say(agent.id, 'user', 'my automobile broke down');
    const ask = async (path: string, body: object) => {
      const answer = await post(path, body);
      const { headers } = answer;
      const hits = (await answer.json()) as Record<string, unknown>[];
      return {
        mode: headers.get('x-everturn-search-mode'),
        reason: headers.get('x-everturn-search-reason'),
        hits,
      };
    };
    const messages = (fields: object = {}) =>
      ask('/v1/messages/search', { query: 'car', agent_id: agent.id, ...fields });
    const tools = (fields: object = {}) => ask('/v1/tools/search', { query: 'compose', limit: 1, ...fields });

    expect(await messages()).toEqual({ mode: 'text', reason: 'no embedding model', hits: [] });
    expect(await tools()).toEqual({ mode: 'text', reason: 'no embedding model', hits: [] });
    await fill();

    expect(await messages()).toMatchObject({ mode: 'hybrid', reason: null, hits: [{ message_id: id }] });
    expect(await messages({ search_mode: 'vector' })).toMatchObject({
      mode: 'vector',
      hits: [{ message_id: id }],
    });
    expect(await messages({ search_mode: 'fts' })).toEqual({ mode: 'text', reason: null, hits: [] });
    expect(await tools()).toMatchObject({
      mode: 'hybrid',
      hits: [{ tool: { name: 'memory_replace' }, fts_rank: null, vector_rank: 1, combined_score: 1 / 61 }],
    });
    expect((await tools({ search_mode: 'fts' })).hits).toEqual([]);
  });

  it('answers with words when the model gives none, or none that are vectors', async () => {
    const agent = await createAgent({ embedding });
    await say(agent.id, 'user', 'a lonely lighthouse');
    await fill();

    const troubles = [{ status: 500 }, { vector: [1, 2] }, { vector: new Array(1536).fill(null) }];
    for (const [place, trouble] of troubles.entries()) {
      fake.trouble(trouble);
      const answer = await post('/v1/messages/search', { query: `lighthouse ${place}`, agent_id: agent.id });
      fake.trouble(null);
      expect(answer.headers.get('x-everturn-search-mode')).toBe('text');
      expect(answer.headers.get('x-everturn-search-reason')).toBe('the embedding model gives no answer');
      expect(await answer.json()).toMatchObject([{ content: 'a lonely lighthouse' }]);
    }
  });
});

describe('bad input', () => {
  const planes = Array.from({ length: 17 }, (_, plane) => String.fromCodePoint(plane * 0x10000 + 0x41));
  const odd = [
    ...planes,
    planes.join(''),
    "a & !b | (c <-> d):* 'e''f' \\",
    "'; drop table messages; --",
    '%_\\%',
    ' \n\t ',
    'x'.repeat(900_000),
    '$1 ${2} {{3}}',
  ];

  it.each(ROUTES)('%s takes operators, SQL and every plane of Unicode as plain text', async (route) => {
    const statuses = await Promise.all(odd.map(async (query) => (await post(route, { query })).status));

    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    for (const query of ['nul \u0000', 'half a letter \ud800'])
      expect((await post(route, { query })).status).toBe(422);
    await expect(api.database.pool.query('select from messages')).resolves.toBeDefined();
  });

  it('finds a message by a word of any plane', async () => {
    const agent = await createAgent();
    for (const letter of planes.slice(1, 4)) await say(agent.id, 'user', `this is ${letter} here`);

    for (const letter of planes.slice(1, 4))
      expect(contents(await search({ query: letter, agent_id: agent.id }))).toEqual([
        `this is ${letter} here`,
      ]);
  });

  it.each(ROUTES)('%s refuses a limit of 0, of less and of too much', async (route) => {
    for (const limit of [0, -1, 101, 1.5, '5', 1e300])
      expect([limit, (await post(route, { query: 'x', limit })).status]).toEqual([limit, 422]);
  });

  it.each(['/v1/messages/search', '/v1/passages/search'] as const)(
    '%s takes or refuses dates of any kind, and never fails on one',
    async (route) => {
      const dates = ['-000001-01-01', '-2026-01-01', '0000-00-00', '0000-01-01T00:00:00Z', '9999-12-31', '+275760-09-13T00:00:00Z', '294277-01-01', '2026-02-30', '', '  ', 'now()', -1, -1e18, 1e300, true, []]; // prettier-ignore
      for (const date of dates)
        for (const field of ['start_date', 'end_date'])
          expect([date, [200, 422]]).toEqual([
            date,
            expect.arrayContaining([(await post(route, { query: 'x', [field]: date })).status]),
          ]);
    },
  );
});
