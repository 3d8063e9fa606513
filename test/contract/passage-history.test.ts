import { fillEmbeddings } from '../../db/vectors/fill-embeddings';
import { fromBytes } from '../../db/vectors/vector-bytes';
import type { Embedder } from '../../domain/embedder';
import { newId } from '../../new-id';
import { addLine, addPassage, teach } from '../support/teach';
import { startTestApi, type TestApi } from '../support/test-api';
import { insertAgentWithMemory } from '../support/turn-rows';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

type Json = Readonly<Record<string, unknown>>;
const get = async (path: string): Promise<Json[]> => (await api.call('GET', path)).body as Json[];
const send = (method: string, path: string, body?: unknown) =>
  api.call(method, path, { ...(body !== undefined && { body }) });
const facts = (versions: readonly Json[]) =>
  versions.map((each) => [
    each['version'],
    each['text'],
    each['is_deleted'],
    (each['author'] as Json)['kind'],
  ]);

async function createArchive(): Promise<string> {
  const { body } = await send('POST', '/v1/archives/', { name: 'kept' });
  return `/v1/archives/${String((body as Json)['id'])}`;
}
async function store(archive: string, ...texts: readonly string[]): Promise<string[]> {
  const passages = texts.map((text) => ({ text, tags: ['fact'], metadata: { by: 'us' } }));
  const { body } = await send('POST', `${archive}/passages/batch`, { passages });
  return (body as Json[]).map(({ id }) => `${archive}/passages/${String(id)}`);
}
const textsNow = async (agentId: string): Promise<unknown[]> =>
  (await get(`/v1/agents/${agentId}/archival-memory`)).map(({ text }) => text);
const momentAfter = (version: Json | undefined): string =>
  new Date(Date.parse(String(version?.['created_at'])) + 1).toISOString();

it('every write of a passage is kept with who made it and what changed, whatever way it came', async () => {
  const archive = await createArchive();
  const [first = '', second = ''] = await store(archive, 'likes tea\nlikes chess', 'lives in Oslo');

  await send('PATCH', first, { text: 'likes coffee\nlikes chess', tags: ['fact', 'drink'] });
  await send('DELETE', first);

  const history = await get(`${first}/history`);
  expect(history[1]).toEqual({
    passage_id: first.split('/').at(-1),
    archive_id: archive.split('/').at(-1),
    version: 2,
    seq: expect.any(Number),
    text: 'likes coffee\nlikes chess',
    tags: ['fact', 'drink'],
    metadata: { by: 'us' },
    is_deleted: false,
    diff: '@@ -1,2 +1,2 @@\n-likes tea\n+likes coffee\n likes chess',
    author: expect.objectContaining({ kind: 'api', run_id: null, model: null, source_message_id: null }),
    created_at: expect.stringMatching(/^20.*Z$/),
  });
  expect(facts(history)).toEqual([
    [3, 'likes coffee\nlikes chess', true, 'api'],
    [2, 'likes coffee\nlikes chess', false, 'api'],
    [1, 'likes tea\nlikes chess', false, 'api'],
  ]);
  expect(history[0]).toMatchObject({ diff: '@@ -1,2 +0,0 @@\n-likes coffee\n-likes chess' });
  expect(facts(await get(`${second}/history`))).toEqual([[1, 'lives in Oslo', false, 'api']]);
  const all = await get(`${archive}/history?order=asc`);
  expect(all.map(({ text, version }) => [text, version])).toEqual([
    ['likes tea\nlikes chess', 1],
    ['lives in Oslo', 1],
    ['likes coffee\nlikes chess', 2],
    ['likes coffee\nlikes chess', 3],
  ]);
  const page = await get(`${archive}/history?limit=2&after=${String(all[3]?.['seq'])}`);
  expect(page.map(({ seq }) => seq)).toEqual([all[2]?.['seq'], all[1]?.['seq']]);
});

it("a tool's passage names run, step, call, model and message", async () => {
  const { id: agentId } = await insertAgentWithMemory(api.db);

  const { runId, messageId } = await teach(api, agentId, addPassage('likes tea', ['drink']));

  const [passage] = await get(`/v1/agents/${agentId}/archival-memory`);
  const archive = `/v1/archives/${String(passage?.['archive_id'])}`;
  const [version] = await get(`${archive}/passages/${String(passage?.['id'])}/history`);
  expect(version).toMatchObject({
    version: 1,
    text: 'likes tea',
    tags: ['drink'],
    author: {
      kind: 'tool',
      agent_id: agentId,
      conversation_id: agentId,
      run_id: runId,
      step_id: expect.stringMatching(/^step-/),
      tool_call_id: 'call_0_0',
      tool_name: 'memory_insert',
      model: 'openai/gpt-4.1',
      source_message_id: messageId,
    },
  });
});

it('an archive and a passage are shown as of a moment, and deletions are part of it', async () => {
  const archive = await createArchive();
  const [first = '', second = ''] = await store(archive, 'one', 'two');
  const [stored] = await get(`${second}/history`);
  await send('PATCH', first, { text: 'uno' });
  const [changed] = await get(`${first}/history`);
  await send('DELETE', second);
  const textsAt = async (query: string) => (await get(`${archive}/passages${query}`)).map(({ text }) => text);

  expect(await textsAt('')).toEqual(['uno']);
  expect(await textsAt(`?as_of=${momentAfter(changed)}`)).toEqual(['uno', 'two']);
  expect(await textsAt('?as_of=2000-01-01T00:00:00Z')).toEqual([]);
  const id = first.split('/').at(-1);
  expect(await textsAt(`?as_of=${momentAfter(changed)}&limit=1&after=${String(id)}`)).toEqual(['two']);
  const at = async (path: string, moment: string) => (await send('GET', `${path}?as_of=${moment}`)).status;
  expect((await send('GET', `${second}?as_of=${momentAfter(stored)}`)).body).toMatchObject({ text: 'two' });
  expect(await at(second, '2000-01-01T00:00:00Z')).toBe(404);
  expect((await send('GET', second)).status).toBe(404);
  expect((await send('GET', first)).body).toMatchObject({ text: 'uno', version: 2 });
});

it('a passage is reverted to any version, also one that is gone, and is found by its words again', async () => {
  const archive = await createArchive();
  const [passage = ''] = await store(archive, 'likes tea');
  await send('PATCH', passage, { text: 'likes coffee', metadata: {} });
  await send('DELETE', passage);
  const revert = (version: number) => send('POST', `${passage}/revert`, { version });

  expect((await revert(1)).body).toMatchObject({
    version: 4,
    text: 'likes tea',
    metadata: { by: 'us' },
    author: { kind: 'revert', reverted_to: 1 },
  });
  const query = { archive_id: archive.split('/').at(-1), query: 'tea' };
  const hits = (await send('POST', '/v1/passages/search', query)).body as Json[];
  expect(hits).toMatchObject([{ passage: { text: 'likes tea', tags: ['fact'] } }]);
  expect((await revert(2)).body).toMatchObject({ version: 5, text: 'likes coffee' });
  expect((await revert(2)).body).toMatchObject({ version: 5 });
  expect(await revert(3)).toMatchObject({ status: 200, body: null });
  expect(facts(await get(`${passage}/history?limit=1`))).toEqual([[6, 'likes coffee', true, 'revert']]);
});

it('a vector of a text that was corrected while it was computed is not stored', async () => {
  const { body } = await send('POST', '/v1/archives/', { name: 'kept' });
  const archive = `/v1/archives/${String((body as Json)['id'])}`;
  await api.db.query(`update archives set embedding = 'embeddings/meaning' where id = $1`, [
    (body as Json)['id'],
  ]);
  const [passage = ''] = await store(archive, 'likes tea');
  const asked: string[] = [];
  const embedder: Embedder = {
    async embed(_target, texts) {
      asked.push(...texts);
      if (asked.length === 1) await send('PATCH', passage, { text: 'likes coffee' });
      return texts.map(() => new Float32Array([asked.length, 0]));
    },
  };
  const fill = () =>
    fillEmbeddings(
      { pool: api.db, embedder, onFailure: () => undefined },
      null,
      new AbortController().signal,
    );
  const vector = async () => {
    const { rows } = await api.db.query<{ embedding: Buffer | null }>(
      `select embedding from passages where id = $1`,
      [passage.split('/').at(-1)],
    );
    return rows[0]?.embedding && fromBytes(rows[0].embedding)[0];
  };

  await fill();
  expect(await vector()).toBeNull();
  await fill();

  expect(asked).toEqual(['likes tea', 'likes coffee']);
  expect(await vector()).toBe(2);
});

it('what a message taught is taken back whole: lines of blocks and passages, in one transaction', async () => {
  const { id: agentId, blockId } = await insertAgentWithMemory(api.db);
  const { messageId, resultIds } = await teach(
    api,
    agentId,
    addLine('likes tea'),
    addPassage('drinks it at five'),
    addPassage('without milk'),
  );
  await teach(api, agentId, addLine('likes bicycles'), addPassage('rides to work'));

  const writes = await get(`/v1/messages/${messageId}/writes`);
  expect(writes.map(({ block_id: block, text, value }) => (block ? value : text))).toEqual([
    'start\nlikes tea',
    'drinks it at five',
    'without milk',
  ]);
  const later = await get(`/v1/messages/${String(resultIds[1])}/writes`);
  expect(later.map(({ text }) => text)).toEqual(['without milk']);
  const { status, body } = await send('POST', `/v1/messages/${messageId}/unlearn`);

  expect(status).toBe(200);
  expect(body).toMatchObject({
    blocks: [{ id: blockId, value: 'start\nlikes bicycles' }],
    passages: [
      { version: 2, is_deleted: true, author: { kind: 'revert', reverted_message_id: messageId } },
      { version: 2, is_deleted: true },
    ],
  });
  expect(await textsNow(agentId)).toEqual(['rides to work']);
  const again = await send('POST', `/v1/messages/${messageId}/unlearn`);
  expect(again).toMatchObject({ status: 200, body: { passages: [] } });
});

it('nothing is taken back, of blocks neither, where somebody rewrote the passage since', async () => {
  const { id: agentId, blockId } = await insertAgentWithMemory(api.db);
  const { messageId } = await teach(api, agentId, addLine('likes tea'), addPassage('drinks it at five'));
  const [passage] = await get(`/v1/agents/${agentId}/archival-memory`);
  const path = `/v1/archives/${String(passage?.['archive_id'])}/passages/${String(passage?.['id'])}`;
  await send('PATCH', path, { text: 'drinks it at six' });

  const { status, body } = await send('POST', `/v1/messages/${messageId}/unlearn`);

  expect(status).toBe(409);
  expect((body as Json)['detail']).toContain(`version 1 of passage '${String(passage?.['id'])}'`);
  expect(await textsNow(agentId)).toEqual(['drinks it at six']);
  expect((await send('GET', `/v1/blocks/${blockId}`)).body).toMatchObject({ value: 'start\nlikes tea' });
});

it('an archive that is deleted takes the history of its passages along; an id used again goes on in its history', async () => {
  const archive = await createArchive();
  const [passage = ''] = await store(archive, 'one');
  const id = passage.split('/').at(-1);
  await send('DELETE', passage);
  await send('POST', `${passage}/revert`, { version: 1 });
  expect(facts(await get(`${passage}/history`)).map(([version]) => version)).toEqual([3, 2, 1]);

  expect((await send('DELETE', archive)).status).toBe(204);

  const { rows } = await api.db.query(`select from passage_versions where passage_id = $1`, [id]);
  expect(rows).toEqual([]);
});

it('refuses what is not there, and stores nothing', async () => {
  const archive = await createArchive();
  const other = await createArchive();
  const [passage = ''] = await store(archive, 'one');
  const elsewhere = passage.replace(archive, other);
  const status = async (method: string, path: string, body?: unknown) =>
    (await send(method, path, body)).status;

  expect(await status('GET', `${elsewhere}/history`)).toBe(404);
  expect(await status('POST', `${elsewhere}/revert`, { version: 1 })).toBe(404);
  expect(await status('PATCH', elsewhere, { text: 'two' })).toBe(404);
  expect(await status('PATCH', passage, { text: ' ' })).toBe(400);
  expect(await status('POST', `${passage}/revert`, { version: 9 })).toBe(404);
  expect(await status('POST', `${passage}/revert`, {})).toBe(422);
  expect(await status('GET', `${archive}/passages?as_of=yesterday`)).toBe(422);
  expect(await status('GET', `/v1/archives/${newId('archive')}/history`)).toBe(404);
  expect(await get(`${passage}/history`)).toHaveLength(1);
});
