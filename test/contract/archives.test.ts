import { createEmbedder } from '../../llm/embeddings/embedder';
import { newId } from '../../new-id';
import { type CrudApi, startCrudApi } from '../support/crud-api';
import { startFakeEmbeddings, type FakeEmbeddings } from '../support/fake-embeddings';
import { sampleBody } from '../support/letta-samples';
import { shapeOf } from '../support/shape';

let fake: FakeEmbeddings;
let api: CrudApi;
beforeAll(async () => {
  fake = await startFakeEmbeddings({ synonyms: [['sky', 'heaven']] });
  const embedder = createEmbedder({ openai: { apiKey: 'sk-test', baseUrl: fake.url } });
  api = await startCrudApi({}, { embedder });
});
afterAll(async () => {
  await api.stop();
  await fake.close();
});
afterEach(() => fake.trouble(null));

const embedding = 'openai/text-embedding-3-small';
const createArchive = async (fields: object = {}) =>
  (await api.call('POST', '/v1/archives/', { name: 'arch1', embedding, ...fields })).body;
const createAgent = async (fields: object = {}) =>
  (await api.call('POST', '/v1/agents/', { model: 'openai/gpt-4.1', embedding, ...fields })).body;
const remember = async (agentId: string, text: string, fields: object = {}) =>
  (await api.call('POST', `/v1/agents/${agentId}/archival-memory`, { text, ...fields })).body[0];
const contents = (answer: { body: { results: { content: string }[] } }) =>
  answer.body.results.map((result) => result.content);

describe('archives', () => {
  it('are created, read, listed, changed and deleted in the form of the original', async () => {
    const created = await createArchive();
    const read = await api.call('GET', `/v1/archives/${created.id}`);
    const listed = await api.call('GET', '/v1/archives/?name=arch1');
    const changed = await api.call('PATCH', `/v1/archives/${created.id}`, { description: 'z' });
    const deleted = await fetch(`${api.baseUrl}/v1/archives/${created.id}`, { method: 'DELETE' });
    const gone = await api.call('GET', `/v1/archives/${created.id}`);

    const sample = sampleBody('archives.create.json') as Record<string, unknown>;
    expect(Object.keys(created)).toEqual(Object.keys(sample));
    expect(shapeOf(created)).toEqual(shapeOf(sample));
    expect(created.embedding_config).toMatchObject({ handle: embedding, embedding_dim: 1536 });
    expect(read).toEqual({ status: 200, body: created });
    expect(listed.body).toEqual([created]);
    expect(changed.body).toEqual({ ...created, description: 'z', updated_at: changed.body.updated_at });
    expect([deleted.status, await deleted.text()]).toEqual([204, '']);
    expect(gone).toMatchObject({ status: 404, body: { detail: expect.stringContaining(created.id) } });
  });

  it('are listed in pages, newest first, and by agent', async () => {
    const archives = [await createArchive({ name: 'p1' }), await createArchive({ name: 'p2' }), await createArchive({ name: 'p3' })]; // prettier-ignore
    const agent = await createAgent();
    await api.call('PATCH', `/v1/agents/${agent.id}/archives/attach/${archives[1].id}`);

    const first = await api.call('GET', '/v1/archives/?limit=2');
    const second = await api.call('GET', `/v1/archives/?limit=2&after=${archives[1].id}`);
    const ofAgent = await api.call('GET', `/v1/archives/?agent_id=${agent.id}`);
    const agents = await api.call('GET', `/v1/archives/${archives[1].id}/agents`);

    expect(first.body.map((one: { name: string }) => one.name)).toEqual(['p3', 'p2']);
    expect(second.body[0].name).toBe('p1');
    expect(ofAgent.body.map((one: { id: string }) => one.id)).toEqual([archives[1].id]);
    expect(agents.body).toEqual([agent.id]);
  });

  it('refuse an embedding model that is not offered, and a dimension that the model does not have', async () => {
    const unknown = await api.call('POST', '/v1/archives/', { name: 'x', embedding: 'openai/nope' });
    const config = {
      embedding_endpoint_type: 'openai',
      embedding_model: 'text-embedding-3-small',
      embedding_dim: 7,
    };
    const wrong = await api.call('POST', '/v1/archives/', { name: 'x', embedding_config: config });
    const right = await api.call('POST', '/v1/archives/', { name: 'x', embedding_config: { ...config, embedding_dim: 1536 } }); // prettier-ignore

    expect(unknown.status).toBe(400);
    expect(wrong).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining('embedding_dim is 7') },
    });
    expect(right.body.embedding_config.handle).toBe(embedding);
  });

  it('answer a wrong id with 422 and a body without a name with the list of errors', async () => {
    const badId = await api.call('GET', '/v1/archives/archive-nope');
    const noName = await api.call('POST', '/v1/archives/', {});

    expect(badId.status).toBe(422);
    expect(noName).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('Field required') },
    });
  });
});

describe('passages of an archive', () => {
  it('are stored with their vector in the form of the original, and deleted', async () => {
    const archive = await createArchive();
    const path = `/v1/archives/${archive.id}/passages`;

    const created = await api.call('POST', path, { text: 'foo bar', tags: ['a'] });
    const deleted = await fetch(`${api.baseUrl}${path}/${created.body.id}`, { method: 'DELETE' });
    const again = await api.call('DELETE', `${path}/${created.body.id}`);

    const sample = sampleBody('archives.passages.create.json') as Record<string, unknown>;
    expect(Object.keys(created.body)).toEqual(Object.keys(sample));
    expect(shapeOf(created.body)).toEqual(shapeOf(sample));
    expect(created.body).toMatchObject({ text: 'foo bar', tags: ['a'], archive_id: archive.id });
    expect(created.body.embedding).toHaveLength(1536);
    expect(deleted.status).toBe(204);
    expect(again.status).toBe(404);
  });

  it('are stored many at a time, in order, all or none', async () => {
    const archive = await createArchive();
    const path = `/v1/archives/${archive.id}/passages/batch`;
    const passages = [
      { text: 'one', metadata: { n: 1 } },
      { text: 'two', created_at: '2020-01-01T00:00:00' },
    ];

    const stored = await api.call('POST', path, { passages });
    const refused = await api.call('POST', path, { passages: [{ text: 'three' }, { text: ' ' }] });
    const none = await api.call('POST', path, { passages: [] });
    const found = await api.call('POST', '/v1/passages/search', { archive_id: archive.id });

    expect(stored.body.map((one: { text: string }) => one.text)).toEqual(['one', 'two']);
    expect(stored.body[0].metadata).toEqual({ n: 1 });
    expect(stored.body[1].created_at).toBe('2020-01-01T00:00:00.000000Z');
    expect(refused).toMatchObject({ status: 400, body: { detail: expect.stringContaining('text of a passage is empty') } }); // prettier-ignore
    expect(none.body).toEqual([]);
    expect(found.body).toHaveLength(2);
  });

  it('are stored once when the request is sent again, with a key of its own or by the SDK', async () => {
    const archive = await createArchive();
    const path = `/v1/archives/${archive.id}/passages`;
    const send = (text: string, headers: Record<string, string>) => api.call('POST', path, { text }, headers);

    const keyed = [
      await send('keyed', { 'idempotency-key': 'k1' }),
      await send('keyed', { 'idempotency-key': 'k1' }),
    ];
    const first = await send('retried', {});
    const resent = await send('retried', { 'x-stainless-retry-count': '1' });
    const meant = await send('retried', {});

    const other = await send('another text', { 'idempotency-key': 'k1' });
    const long = await send('keyed', { 'idempotency-key': 'k'.repeat(256) });
    await fetch(`${api.baseUrl}${path}/${String(keyed[0]!.body.id)}`, { method: 'DELETE' });
    const free = await send('another text', { 'idempotency-key': 'k1' });

    expect(keyed[1]!.body).toEqual(keyed[0]!.body);
    expect(other).toMatchObject({ status: 422, body: { detail: expect.stringContaining(`another request here (${String(keyed[0]!.body.id)})`) } }); // prettier-ignore
    expect(long.status).toBe(400);
    expect(free).toMatchObject({ status: 200, body: { text: 'another text' } });
    expect(resent.body.id).toBe(first.body.id);
    expect(meant.body.id).not.toBe(first.body.id);
  });

  it('are kept when the embedding model is away, and refused when its vectors are not what was asked for', async () => {
    const archive = await createArchive();
    const path = `/v1/archives/${archive.id}/passages`;

    fake.trouble({ status: 503 });
    const kept = await api.call('POST', path, { text: 'during the outage' });
    const found = await api.call('POST', '/v1/passages/search', { archive_id: archive.id, query: 'outage' });
    fake.trouble({ vector: [1, 2, 3] });
    const short = await api.call('POST', path, { text: 'too short a vector' });
    fake.trouble({ vector: new Array(1536).fill(null) });
    const notNumbers = await api.call('POST', path, { text: 'no numbers' });

    expect(kept).toMatchObject({ status: 200, body: { embedding: null, text: 'during the outage' } });
    expect(found.body[0].passage.id).toBe(kept.body.id);
    expect(short.status).toBe(400);
    expect(JSON.stringify(short.body)).toContain('a vector of 3 numbers where 1536 are asked for');
    expect(JSON.stringify(notNumbers.body)).toContain('not finite numbers');
  });
});

describe("an agent's archival memory", () => {
  it('makes a default archive with the first passage and answers in the form of the original', async () => {
    const agent = await createAgent({ name: 'fresh2' });
    const empty = await api.call('GET', `/v1/agents/${agent.id}/archival-memory`);

    const created = await api.call('POST', `/v1/agents/${agent.id}/archival-memory`, {
      text: 'The sky is blue',
      tags: ['sky'],
    });
    const listed = await api.call('GET', `/v1/agents/${agent.id}/archival-memory`);
    const searched = await api.call('GET', `/v1/agents/${agent.id}/archival-memory/search?query=sky`);
    const archives = await api.call('GET', `/v1/archives/?agent_id=${agent.id}`);

    expect(empty.body).toEqual([]);
    expect(shapeOf(created.body)).toEqual(shapeOf(sampleBody('agents.passages.create.json')));
    expect(listed.body).toEqual(created.body);
    expect(shapeOf(searched.body)).toEqual(shapeOf(sampleBody('agents.passages.search.json')));
    expect(searched.body.results[0]).toMatchObject({
      id: created.body[0].id,
      content: 'The sky is blue',
      tags: ['sky'],
    });
    expect(searched.body.results[0].timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
    const [, sample] = sampleBody('archives.list.json') as { name: string; description: string }[];
    expect(archives.body[0]).toMatchObject({ name: sample!.name, description: sample!.description });
  });

  it('is made once for inserts that come at the same time', async () => {
    const agent = await createAgent();

    await Promise.all(Array.from({ length: 8 }, (_, n) => remember(agent.id, `fact ${n}`)));

    expect((await api.call('GET', `/v1/archives/?agent_id=${agent.id}`)).body).toHaveLength(1);
    expect((await api.call('GET', `/v1/agents/${agent.id}/archival-memory`)).body).toHaveLength(8);
  });

  it('is paged in both directions', async () => {
    const agent = await createAgent();
    const ids = [];
    for (const text of ['a', 'b', 'c']) ids.push((await remember(agent.id, text)).id);
    const texts = async (query: string) =>
      (await api.call('GET', `/v1/agents/${agent.id}/archival-memory?${query}`)).body.map((one: { text: string }) => one.text); // prettier-ignore

    expect(await texts('limit=2')).toEqual(['a', 'b']);
    expect(await texts(`after=${ids[1]}`)).toEqual(['c']);
    expect(await texts(`before=${ids[2]}&limit=1`)).toEqual(['b']);
    expect(await texts('ascending=false&limit=2')).toEqual(['c', 'b']);
    expect(await texts('search=B')).toEqual(['b']);
  });

  it('narrows a search by tags and time', async () => {
    const agent = await createAgent();
    await remember(agent.id, 'note red', { tags: ['red'], created_at: '2024-01-01T00:00:00Z' });
    await remember(agent.id, 'note both', { tags: ['red', 'blue'], created_at: '2024-06-01T00:00:00Z' });
    await remember(agent.id, 'note none', { created_at: '2024-12-01T00:00:00Z' });
    const search = async (query: string) =>
      contents(
        await api.call('GET', `/v1/agents/${agent.id}/archival-memory/search?query=note&${query}`),
      ).sort();

    expect(await search('tags=red&tags=blue')).toEqual(['note both', 'note red']);
    expect(await search('tags=red&tags=blue&tag_match_mode=all')).toEqual(['note both']);
    expect(await search('start_datetime=2024-05-01T00:00:00Z')).toEqual(['note both', 'note none']);
    expect(await search('end_datetime=2024-05-01T00:00:00Z')).toEqual(['note red']);
    expect(await search('top_k=1')).toHaveLength(1);
    expect(await search('top_k=0')).toEqual([]);
  });

  it('finds what means the same in other words, and says that it used vectors', async () => {
    const agent = await createAgent();
    await remember(agent.id, 'the heaven');
    await remember(agent.id, 'a grey stone');

    const response = await fetch(
      `${api.baseUrl}/v1/agents/${agent.id}/archival-memory/search?query=sky&top_k=1`,
    );
    const found = (await response.json()) as { results: { content: string }[] };

    expect(found.results[0]!.content).toBe('the heaven');
    expect(response.headers.get('x-everturn-search-mode')).toBe('hybrid');
  });

  it('is searched by words alone without an embedding model, and says so', async () => {
    const agent = await createAgent({ embedding: null });
    await remember(agent.id, 'Running in the park');

    const response = await fetch(
      `${api.baseUrl}/v1/agents/${agent.id}/archival-memory/search?query=who%20runs%3F`,
    );
    const found = (await response.json()) as { results: { content: string }[] };

    expect(found.results.map((one) => one.content)).toEqual(['Running in the park']);
    expect(response.headers.get('x-everturn-search-mode')).toBe('text');
    expect(response.headers.get('x-everturn-search-reason')).toBe('no embedding model');
  });

  it('gives up a passage when asked to, and only one of its own', async () => {
    const [mine, other] = [await createAgent(), await createAgent()];
    const passage = await remember(mine.id, 'forget me');

    const foreign = await api.call('DELETE', `/v1/agents/${other.id}/archival-memory/${passage.id}`);
    const deleted = await api.call('DELETE', `/v1/agents/${mine.id}/archival-memory/${passage.id}`);

    expect(foreign.status).toBe(404);
    expect(deleted.status).toBe(200);
    expect((await api.call('GET', `/v1/agents/${mine.id}/archival-memory`)).body).toEqual([]);
  });

  it('can be shared; an agent has one archive at most, and detaching leaves the passages', async () => {
    const [first, second] = [await createAgent(), await createAgent()];
    const archive = await createArchive();
    const attach = (agentId: string, id: string) =>
      api.call('PATCH', `/v1/agents/${agentId}/archives/attach/${id}`);

    const attached = [await attach(first.id, archive.id), await attach(second.id, archive.id)];
    const again = await attach(first.id, archive.id);
    await remember(first.id, 'for both of us');
    const seen = await api.call('GET', `/v1/agents/${second.id}/archival-memory`);
    const further = await attach(first.id, (await createArchive()).id);
    const detached = await api.call('PATCH', `/v1/agents/${first.id}/archives/detach/${archive.id}`);
    const missing = await attach(first.id, newId('archive'));

    expect([...attached, again, detached]).toEqual(new Array(4).fill({ status: 200, body: null }));
    expect(seen.body).toHaveLength(1);
    expect(further).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('has an archive already') },
    });
    expect(missing.status).toBe(404);
    expect((await api.call('GET', `/v1/agents/${first.id}/archival-memory`)).body).toEqual([]);
    expect((await api.call('GET', `/v1/agents/${second.id}/archival-memory`)).body).toHaveLength(1);
  });
});

describe('passage search', () => {
  it('answers in the form of the original, in one archive, for one agent or in all of them', async () => {
    const archive = await createArchive();
    const agent = await createAgent();
    await api.call('POST', `/v1/archives/${archive.id}/passages`, { text: 'zebra crossing', tags: ['a'] });
    await remember(agent.id, 'zebra stripes');
    const search = async (fields: object) => (await api.call('POST', '/v1/passages/search', { query: 'zebra', ...fields })).body; // prettier-ignore
    const texts = (hits: { passage: { text: string } }[]) => hits.map((hit) => hit.passage.text).sort();

    const inArchive = await search({ archive_id: archive.id });
    const ofAgent = await search({ agent_id: agent.id, archive_id: archive.id });
    const everywhere = await search({ limit: 2 });

    const [sample] = sampleBody('passages.search.json') as Record<string, unknown>[];
    expect(Object.keys(inArchive[0])).toEqual(Object.keys(sample!));
    expect(shapeOf(inArchive[0].passage)).toEqual(shapeOf(sample!['passage']));
    expect(inArchive[0].metadata).toEqual({ fts_rank: 1, vector_rank: 1 });
    expect(texts(inArchive)).toEqual(['zebra crossing']);
    expect(texts(ofAgent)).toEqual(['zebra stripes']);
    expect(texts(everywhere)).toEqual(['zebra crossing', 'zebra stripes']);
  });

  it.each([
    [{ limit: 0 }],
    [{ limit: 101 }],
    [{ limit: 1.5 }],
    [{ start_date: 'soon' }],
    [{ start_date: '-0001-01-01T00:00:00Z' }],
    [{ end_date: '2024-02-30' }],
    [{ tag_match_mode: 'none' }],
    [{ tags: 'red' }],
    [{ query: 7 }],
  ])('refuses %j with 422', async (fields) => {
    expect((await api.call('POST', '/v1/passages/search', { query: 'x', ...fields })).status).toBe(422);
  });

  it('takes operators, SQL and every plane of Unicode as plain text', async () => {
    const archive = await createArchive({ embedding: null });
    const texts = [
      "a & b | !c <-> 'quoted' \\ :*",
      '我喜歡喝茶 🍵',
      '𝕱𝖗𝖆𝖐𝖙𝖚𝖗 𐍈',
      "Robert'); drop table passages;--",
    ];
    await api.call('POST', `/v1/archives/${archive.id}/passages/batch`, { passages: texts.map((text) => ({ text })) }); // prettier-ignore
    const search = async (query: string) => {
      const answer = await api.call('POST', '/v1/passages/search', {
        archive_id: archive.id,
        query,
        limit: 1,
      });
      return answer.body[0]?.passage.text;
    };

    expect(await search("'quoted' & ! ( | <->")).toBe(texts[0]);
    expect(await search('🍵')).toBe(texts[1]);
    expect(await search('喝茶')).toBe(texts[1]);
    expect(await search('𝕱𝖗𝖆𝖐𝖙𝖚𝖗')).toBe(texts[2]);
    expect(await search("'); drop table passages;--")).toBe(texts[3]);
    expect(await search('%')).toBeUndefined();
    expect(await search('\\')).toBe(texts[0]);
  });

  it('keeps a passage of a megabyte, finds it by its last words, and takes a query of a megabyte', async () => {
    const archive = await createArchive();
    const text = `${Array.from({ length: 140_000 }, (_, n) => `w${n % 9000}`).join(' ')} finally`;

    const stored = await api.call('POST', `/v1/archives/${archive.id}/passages`, { text });
    const found = await api.call('POST', '/v1/passages/search', { archive_id: archive.id, query: 'finally' });
    const long = await api.call('POST', '/v1/passages/search', { archive_id: archive.id, query: text });

    expect(text.length).toBeLessThan(1_000_000);
    expect(stored.body.text).toBe(text);
    expect(found.body[0].metadata.fts_rank).toBe(1);
    expect(long.status).toBe(200);
  });
});
