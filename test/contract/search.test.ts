import { newId } from '../../new-id';
import { type CrudApi, startCrudApi } from '../support/crud-api';
import { insertConversation, insertMessage } from '../support/rows';

let api: CrudApi;
beforeAll(async () => {
  api = await startCrudApi();
});
afterAll(() => api.stop());

const createAgent = async () => (await api.call('POST', '/v1/agents/', { model: 'openai/gpt-4.1' })).body;

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
