import Letta from '@letta-ai/letta-client';
import { type CrudApi, startCrudApi } from '../support/crud-api';
import { sampleBody } from '../support/letta-samples';
import { shapeOf } from '../support/shape';

let api: CrudApi;
beforeAll(async () => {
  api = await startCrudApi();
});
afterAll(() => api.stop());

const model = 'openai/gpt-4.1';
const legacy = { 'user-agent': 'python-httpx/0.28' };

async function createBlock(fields: object = {}) {
  const { body } = await api.call('POST', '/v1/blocks/', { label: 'notes', value: 'abc', ...fields });
  return body;
}
async function createAgent(fields: object = {}) {
  const { body } = await api.call('POST', '/v1/agents/', { model, ...fields });
  return body;
}

it('creates, reads and changes a block in the form of the original', async () => {
  const created = await createBlock({ limit: 10 });

  const read = await api.call('GET', `/v1/blocks/${created.id}`);
  const changed = await api.call('PATCH', `/v1/blocks/${created.id}`, { value: 'abcd', description: null });

  expect(created).toEqual({ ...(sampleBody('blocks.create.json') as object), id: created.id });
  expect(read).toEqual({ status: 200, body: created });
  expect(changed).toEqual({ status: 200, body: { ...created, value: 'abcd' } });
});

it('describes human and persona blocks that come without a description', async () => {
  const [human, persona, other] = [
    await createBlock({ label: 'human' }),
    await createBlock({ label: 'persona', description: 'mine' }),
    await createBlock({ label: 'other' }),
  ];

  expect(human.description).toMatch(/\w/);
  expect(persona.description).toBe('mine');
  expect(other.description).toBeNull();
});

it('answers a block without a label with the error list of the original', async () => {
  const answer = await api.call('POST', '/v1/blocks/', { value: 'x' });

  expect(answer).toEqual({ status: 422, body: sampleBody('blocks.create.no_label.json') });
});

it('keeps every value inside its limit, counted in characters', async () => {
  const block = await createBlock({ value: '😀😀', limit: 2 });

  const over = await api.call('PATCH', `/v1/blocks/${block.id}`, { value: 'xxx' });
  const lowered = await api.call('PATCH', `/v1/blocks/${block.id}`, { limit: 1 });
  const raised = await api.call('PATCH', `/v1/blocks/${block.id}`, { limit: 3, value: 'xxx' });

  expect(over.status).toBe(422);
  expect(over.body.detail).toContain('3 characters, its limit is 2');
  expect(lowered.status).toBe(422);
  expect(raised.body).toMatchObject({ limit: 3, value: 'xxx' });
});

it('deletes a block with null and takes it from its agents', async () => {
  const block = await createBlock();
  const agent = await createAgent({ block_ids: [block.id] });

  expect(await api.call('DELETE', `/v1/blocks/${block.id}`)).toEqual({ status: 200, body: null });

  const again = await api.call('DELETE', `/v1/blocks/${block.id}`);
  expect(again).toEqual({ status: 404, body: { detail: `Block with id '${block.id}' not found` } });
  expect((await api.call('GET', `/v1/agents/${agent.id}/core-memory/blocks`)).body).toEqual([]);
});

it('attaches and detaches with null for 1.0 clients and with the agent for older ones', async () => {
  const agent = await createAgent();
  const [one, two] = [await createBlock({ label: 'one' }), await createBlock({ label: 'two' })];
  const path = `/v1/agents/${agent.id}/core-memory/blocks`;

  const attached = await api.call('PATCH', `${path}/attach/${one.id}`);
  const repeated = await api.call('PATCH', `${path}/attach/${one.id}`);
  const older = await api.call('PATCH', `${path}/attach/${two.id}`, undefined, legacy);
  const detached = await api.call('PATCH', `${path}/detach/${one.id}`);
  const absent = await api.call('PATCH', `${path}/detach/${one.id}`);

  expect(attached).toEqual({ status: 200, body: null });
  expect(repeated).toEqual({ status: 200, body: null });
  expect(older.body.blocks.map((block: { label: string }) => block.label)).toEqual(['one', 'two']);
  expect(detached).toEqual({ status: 200, body: null });
  expect(absent.status).toBe(404);
  expect((await api.call('GET', path)).body).toHaveLength(1);
});

it('refuses a second block of one label on an agent', async () => {
  const agent = await createAgent({ memory_blocks: [{ label: 'human', value: 'h' }] });
  const [same, other] = [await createBlock({ label: 'human' }), await createBlock({ label: 'other' })];
  const path = `/v1/agents/${agent.id}/core-memory/blocks`;
  await api.call('PATCH', `${path}/attach/${other.id}`);

  const attached = await api.call('PATCH', `${path}/attach/${same.id}`);
  const renamed = await api.call('PATCH', `/v1/blocks/${other.id}`, { label: 'human' });

  expect(attached.status).toBe(409);
  expect(attached.body.detail).toContain('unique_label_per_agent');
  expect(renamed.status).toBe(409);
  expect((await api.call('GET', `/v1/blocks/${other.id}`)).body.label).toBe('other');
});

it("reads and changes an agent's block by its label, also after the label changed", async () => {
  const agent = await createAgent({ memory_blocks: [{ label: 'system/notes', value: 'v' }] });
  const path = `/v1/agents/${agent.id}/core-memory/blocks`;

  const read = await api.call('GET', `${path}/system%2Fnotes`);
  const renamed = await api.call('PATCH', `${path}/system%2Fnotes`, { label: 'notes', read_only: true });
  const changed = await api.call('PATCH', `${path}/notes`, { value: 'w' });
  const missing = await api.call('GET', `${path}/zzz`);

  expect(read.body).toMatchObject({ label: 'system/notes', value: 'v' });
  expect(renamed.body).toMatchObject({ label: 'notes', read_only: true });
  expect(changed.body).toMatchObject({ value: 'w', read_only: true });
  const sample = sampleBody('agents.blocks.retrieve.missing.json') as { detail: string };
  expect(missing).toEqual({
    status: 404,
    body: { detail: sample.detail.replace(/agent-[0-9a-f-]+/, agent.id) },
  });
});

it('lists the agents of a block', async () => {
  const block = await createBlock({ label: 'shared' });
  const [first, second] = [
    await createAgent({ block_ids: [block.id] }),
    await createAgent({ block_ids: [block.id] }),
  ];

  const { body } = await api.call('GET', `/v1/blocks/${block.id}/agents`);
  const { body: asc } = await api.call(
    'GET',
    `/v1/blocks/${block.id}/agents?order=asc&limit=1&include=agent.blocks`,
  );

  expect(body.map((agent: { id: string }) => agent.id)).toEqual([second.id, first.id]);
  expect(shapeOf(body[0].memory)).toEqual(
    shapeOf((sampleBody('blocks.agents.list.json') as { memory: object }[])[0]?.memory),
  );
  expect(asc).toMatchObject([{ id: first.id, blocks: [{ id: block.id }] }]);
});

it('pages through blocks in both directions without gap or repetition', async () => {
  const project_id = 'paging';
  const ids: string[] = [];
  for (let count = 0; count < 5; count++) ids.push((await createBlock({ project_id })).id);
  const page = async (query: string) => {
    const { body } = await api.call('GET', `/v1/blocks/?project_id=paging&limit=2&${query}`);
    return body.map((block: { id: string }) => ids.indexOf(block.id));
  };

  expect(await page('')).toEqual([0, 1]);
  expect(await page(`after=${ids[1]}`)).toEqual([2, 3]);
  expect(await page(`after=${ids[4]}`)).toEqual([]);
  expect(await page(`before=${ids[4]}`)).toEqual([2, 3]);
  expect(await page(`order=desc&after=${ids[3]}`)).toEqual([2, 1]);
  expect(await page(`order=desc&before=${ids[1]}`)).toEqual([3, 2]);
});

it('filters blocks by everything the SDK offers', async () => {
  const block = await createBlock({
    label: 'find-me',
    value: '100% sure',
    description: 'a special one',
    tags: ['x', 'y'],
    is_template: true,
    template_name: 'tmpl',
  });
  await createAgent({ block_ids: [block.id] });
  const ids = async (query: string) => {
    const { body } = await api.call('GET', `/v1/blocks/?limit=1000&${query}`);
    return body.map((found: { id: string }) => found.id);
  };

  for (const query of [
    'label=find-me',
    'label_search=ind-m',
    'value_search=100%25',
    'description_search=SPECIAL',
    'tags=x&tags=z',
    'tags=x&tags=y&match_all_tags=true',
    'name=tmpl',
    'templates_only=true',
  ])
    // prettier-ignore
    expect([query, await ids(query)]).toEqual([query, [block.id]]);
  for (const query of ['value_search=100_', 'tags=x&tags=z&match_all_tags=true', 'identifier_keys=a'])
    expect([query, await ids(query)]).toEqual([query, []]);
  expect(await ids('connected_to_agents_count_gt=0')).toContain(block.id);
  expect(await ids('connected_to_agents_count_eq=1&connected_to_agents_count_lt=2')).toContain(block.id);
  expect(await ids('connected_to_agents_count_eq=0')).not.toContain(block.id);
  expect((await api.call('GET', '/v1/blocks/count?label=find-me')).body).toBe(1);
});

it('what is deleted while it is listed does not stop the list', async () => {
  for (const value of ['1', '2', '3', '4', '5'])
    await api.call('POST', '/v1/blocks/', { label: 'doomed', value });
  const client = new Letta({ baseURL: api.baseUrl, apiKey: 'x', maxRetries: 0 });
  const deleted: string[] = [];

  for await (const block of client.blocks.list({ label: 'doomed', limit: 2 })) {
    await client.blocks.delete(block.id);
    deleted.push(block.value);
  }

  expect(deleted.sort()).toEqual(['1', '2', '3', '4', '5']);
});

it.each([
  ['GET', '/v1/blocks/block-xyz', undefined, 422],
  ['GET', '/v1/blocks/?limit=x', undefined, 422],
  ['GET', '/v1/blocks/?limit=99999999999', undefined, 422],
  ['GET', '/v1/blocks/?order=up', undefined, 422],
  ['GET', '/v1/blocks/?connected_to_agents_count_eq=abc', undefined, 422],
  ['POST', '/v1/blocks/', { label: 'a<b', value: '' }, 400],
  ['POST', '/v1/blocks/', { label: '', value: '' }, 400],
  ['POST', '/v1/blocks/', { label: 'a', value: '', limit: 2 ** 40 }, 422],
  ['POST', '/v1/blocks/', { label: 'a', value: 7 }, 422],
])('answers %s %s %j with %i', async (method, path, body, status) => {
  const answer = await api.call(method, path, body);

  expect(answer).toMatchObject({ status, body: { detail: expect.any(String) } });
});

it('answers an unknown block in the words of the original', async () => {
  const answer = await api.call('GET', '/v1/blocks/block-00000000-0000-4000-8000-000000000000');

  expect(answer).toEqual({ status: 404, body: sampleBody('err.blocks.retrieve.404.json') });
});

it('hidden blocks are listed on request', async () => {
  const project_id = 'hidden-ones';
  const [shown, hidden] = [
    await createBlock({ project_id }),
    await createBlock({ project_id, hidden: true }),
  ];

  const list = async (query: string) =>
    (await api.call('GET', `/v1/blocks/?project_id=${project_id}${query}`)).body;
  expect(await list('')).toEqual([shown]);
  expect(await list('&show_hidden_blocks=true')).toEqual([shown, hidden]);
});
