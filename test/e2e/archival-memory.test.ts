import Letta, { ConflictError, NotFoundError } from '@letta-ai/letta-client';
import { startFakeEmbeddings, type FakeEmbeddings } from '../support/fake-embeddings';
import { runPython } from '../support/python-sdk';
import { startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';
import { until } from '../support/started';

// Archival memory through both unmodified SDKs, with a server of its own for embeddings.

let database: TestDatabase;
let embeddings: FakeEmbeddings;
let server: LiveServer;
let client: Letta;

beforeAll(async () => {
  embeddings = await startFakeEmbeddings({ synonyms: [['dog', 'puppy', 'hound']] });
  server = await startLiveServer({ env: { EMBEDDINGS_BASE_URL: embeddings.url } });
  ({ database } = server);
  client = new Letta({ baseURL: server.url, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => {
  await server.stop();
  await embeddings.close();
});

const createAgent = () =>
  client.agents.create({
    model: 'openai/gpt-4.1',
    tools: ['archival_memory_insert', 'archival_memory_search'],
  });
const missingVectors = async () => {
  const { rows } = await database.pool.query(
    `select count(*) as missing from passages where embedding is null`,
  );
  return rows[0].missing as number;
};
const systemMessage = async (agentId: string) => {
  const page = await client.agents.messages.list(agentId, { order: 'asc', limit: 1 });
  return page.items
    .map((message) => (message.message_type === 'system_message' ? message.content : ''))
    .join('');
};

it('serves every archive and passage method of the SDK', async () => {
  const agent = await createAgent();
  const archive = await client.archives.create({ name: 'shared', description: 'd' });
  await client.agents.archives.attach(archive.id, { agent_id: agent.id });

  const [own] = await client.agents.passages.create(agent.id, { text: 'a puppy sleeps', tags: ['pets'] });
  const one = await client.archives.passages.create(archive.id, {
    text: 'taxes are due',
    tags: ['money', 'dates'],
  });
  const many = await client.archives.passages.createMany(archive.id, {
    passages: [{ text: 'rain' }, { text: 'snow' }],
  });
  const listed = await client.agents.passages.list(agent.id, { limit: 2, after: own!.id! });
  const found = await client.agents.passages.search(agent.id, { query: 'hound', top_k: 1 });
  const tagged = await client.agents.passages.search(agent.id, {
    query: 'x',
    tags: ['money', 'dates'],
    tag_match_mode: 'all',
  });
  const everywhere = await client.passages.search({ query: 'dog', archive_id: archive.id, limit: 1 });
  const renamed = await client.archives.update(archive.id, { name: 'ours' });
  const names = [];
  for await (const each of client.archives.list({ agent_id: agent.id })) names.push(each.name);
  await client.archives.passages.delete(one.id!, { archive_id: archive.id });
  await client.agents.passages.delete(many[0]!.id!, { agent_id: agent.id });
  const left = await client.agents.passages.list(agent.id);
  await client.agents.archives.detach(archive.id, { agent_id: agent.id });
  await client.archives.delete(archive.id);

  expect(archive.embedding_config).toMatchObject({ handle: 'embeddings/meaning', embedding_dim: 64 });
  expect(own!.embedding).toHaveLength(64);
  expect(listed.map(({ text }) => text)).toEqual(['taxes are due', 'rain']);
  expect(found.results.map(({ content }) => content)).toEqual(['a puppy sleeps']);
  expect(tagged.results.map(({ content }) => content)).toEqual(['taxes are due']);
  expect(everywhere.map(({ passage }) => passage.text)).toEqual(['a puppy sleeps']);
  expect([renamed.name, ...names]).toEqual(['ours', 'ours']);
  expect(left.map(({ text }) => text).sort()).toEqual(['a puppy sleeps', 'snow']);
  await expect(client.archives.retrieve(archive.id)).rejects.toThrow(NotFoundError);
});

it('an agent inserts and finds passages with its tools, and a second archive is a conflict', async () => {
  const agent = await createAgent();
  const insert = 'CALL archival_memory_insert {"content":"The puppy is called Rex","tags":["dog"]}';

  const inserted = await client.agents.messages.create(agent.id, { input: insert });
  await until(async () => (await missingVectors()) === 0);
  const searched = await client.agents.messages.create(agent.id, {
    input: 'CALL archival_memory_search {"query":"name of the hound"}',
  });

  const returns = [inserted, searched].map(({ messages }) =>
    messages.find((message) => message.message_type === 'tool_return_message'),
  );
  const [passage] = await client.agents.passages.list(agent.id);
  expect(returns[0]).toMatchObject({ status: 'success', tool_return: 'None' });
  expect(returns[1]).toMatchObject({
    status: 'success',
    tool_return: expect.stringMatching(
      new RegExp(
        `^\\[\\{'id': '${passage!.id}', 'timestamp': '[^']+\\+00:00', 'content': 'The puppy is called Rex', 'tags': \\['dog'\\]\\}\\]$`,
      ),
    ),
  });
  const other = await client.archives.create({ name: 'other' });
  await expect(client.agents.archives.attach(other.id, { agent_id: agent.id })).rejects.toThrow(
    ConflictError,
  );
});

it('the prompt says what the archive holds where it is compiled, and keeps its bytes until then', async () => {
  const agent = await createAgent();
  const before = await systemMessage(agent.id);

  await client.agents.passages.create(agent.id, { text: 'noted', tags: ['b', 'a'] });
  await client.agents.messages.create(agent.id, { input: 'SAY hello' });
  const during = await systemMessage(agent.id);
  await client.agents.update(agent.id, { system: 'Be kind.' });
  const after = await systemMessage(agent.id);

  expect(before).not.toContain('archive');
  expect(during).toBe(before);
  expect(after).toContain(
    '- Your archive holds 1 passages; archival tools can find them\n- Tags in your archive: a, b',
  );
});

it('an archive that is given another model gets new vectors, by a workflow that holds ids only', async () => {
  const archive = await client.archives.create({
    name: 'moving',
    embedding: 'openai/text-embedding-3-small',
  });
  const passages = Array.from({ length: 70 }, (_, n) => ({ text: `moving text ${n}` }));
  await client.archives.passages.createMany(archive.id, { passages });

  const changed = await client.archives.update(archive.id, { embedding: 'embeddings/meaning' } as object);
  await until(async () => {
    const { rows } = await database.pool.query(`select status from reembeds where archive_id = $1`, [
      archive.id,
    ]);
    return rows[0]?.status === 'completed';
  });

  const { rows } = await database.pool.query(
    `select distinct embedding_model, embedding_dim from passages where archive_id = $1`,
    [archive.id],
  );
  expect(changed.embedding_config).toMatchObject({ handle: 'embeddings/meaning' });
  expect(rows).toEqual([{ embedding_model: 'embeddings/meaning', embedding_dim: 64 }]);
});

it('an outage of the embedding server loses nothing: what came meanwhile is found by meaning afterwards', async () => {
  const agent = await createAgent();
  embeddings.trouble({ status: 503 });
  const [stored] = await client.agents.passages.create(agent.id, { text: 'The puppy barks at noon' });
  embeddings.trouble(null);
  await until(async () => (await missingVectors()) === 0);

  const found = await client.agents.passages.search(agent.id, { query: 'hound', top_k: 1 });

  expect(stored!.embedding).toBeNull();
  expect(found.results.map(({ id }) => id)).toEqual([stored!.id]);
});

it('messages and tools are found by their words', async () => {
  const agent = await createAgent();
  await client.agents.messages.create(agent.id, { input: 'SAY the marmalade is on the shelf' });

  const messages = await client.messages.search({ query: 'marmalade shelves', agent_id: agent.id });
  const tools = await client.tools.search({ query: 'insert archival memory', limit: 1 });

  expect(messages.map((hit) => hit.message_type).sort()).toEqual(['assistant_message', 'user_message']);
  expect(tools[0]!.tool.name).toBe('archival_memory_insert');
});

it('messages and tools are found by their meaning once a worker has embedded them, behind the turn', async () => {
  const agent = await createAgent();
  await client.agents.messages.create(agent.id, { input: 'SAY my puppy sleeps' });
  const find = () => client.messages.search({ query: 'hound', agent_id: agent.id }).withResponse();

  await until(async () => (await find()).data.length === 2);
  await until(async () => {
    const { response } = await client.tools.search({ query: 'hound', limit: 1 }).withResponse();
    return response.headers.get('x-everturn-search-mode') === 'hybrid';
  });
  const { data, response } = await find();
  expect(response.headers.get('x-everturn-search-mode')).toBe('hybrid');
  expect(data.slice(0, 2).map((hit) => hit.message_type).sort()).toEqual(['assistant_message', 'user_message']); // prettier-ignore
  await client.agents.messages.create(agent.id, { input: 'CALL conversation_search {"query":"hound","roles":["user"]}' }); // prettier-ignore

  const { items } = await client.agents.messages.list(agent.id, { limit: 20 });
  const [result] = items.flatMap((message) =>
    message.message_type === 'tool_return_message' ? [JSON.stringify(message.tool_returns)] : [],
  );
  expect(result).toContain("'search_mode': 'hybrid'");
  expect(result).toContain('my puppy sleeps');
});

it('works through the Python SDK', async () => {
  expect(await runPython('archival_memory.py', server.url)).toEqual([
    'archive: py-archive 64',
    'created: 64 numbers',
    'listed: the hound howls | snow',
    'found: the hound howls',
    'tagged: snow',
    'everywhere: the hound howls',
    'messages: user_message assistant_message',
    'tools: archival_memory_search',
    'left: 1',
    'gone: NotFoundError 404',
  ]);
});
