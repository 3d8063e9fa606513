import Letta from '@letta-ai/letta-client';
import { type CrudApi, startCrudApi } from '../support/crud-api';

type Json = Readonly<Record<string, any>>; // eslint-disable-line @typescript-eslint/no-explicit-any
let api: CrudApi;
beforeAll(async () => {
  api = await startCrudApi();
});
afterAll(() => api.stop());

const ABSENT = '00000000-0000-4000-8000-000000000000';
let keys = 0;
const create = async (fields: Json = {}): Promise<Json> => {
  const body = { identifier_key: `key-${keys++}`, name: 'Ada', identity_type: 'user', ...fields };
  return (await api.call('POST', '/v1/identities/', body)).body;
};
const createAgent = async (fields: Json = {}): Promise<Json> =>
  (await api.call('POST', '/v1/agents/', { model: 'openai/gpt-4.1', ...fields })).body;
const createBlock = async (label: string): Promise<Json> =>
  (await api.call('POST', '/v1/blocks/', { label, value: 'v' })).body;
const idsAt = async (path: string): Promise<string[]> =>
  (await api.call('GET', path)).body.map(({ id }: Json) => String(id));
const path = (identity: Json, rest = '') => `/v1/identities/${String(identity['id'])}${rest}`;

describe('an identity', () => {
  it('is created, read, changed and deleted in the form of the original', async () => {
    const email = { key: 'email', value: 'ada@example.org', type: 'string' };
    const created = await create({ identifier_key: 'ada', properties: [email] });

    expect(created).toEqual({
      id: expect.stringMatching(/^identity-/),
      identifier_key: 'ada',
      name: 'Ada',
      identity_type: 'user',
      project_id: null,
      agent_ids: [],
      block_ids: [],
      organization_id: 'org-00000000-0000-4000-8000-000000000000',
      properties: [email],
    });
    expect((await api.call('GET', path(created))).body).toEqual(created);

    const age = { key: 'age', value: 36, type: 'number' };
    const changed = await api.call('PATCH', path(created), { name: 'Lovelace', properties: [age] });
    expect(changed).toEqual({
      status: 200,
      body: { ...created, name: 'Lovelace', properties: [email, age] },
    });

    const replaced = await api.call('PUT', path(created, '/properties'), [{ ...age, value: { years: 36 }, type: 'json' }]); // prettier-ignore
    expect(replaced.body.properties).toEqual([{ key: 'age', value: { years: 36 }, type: 'json' }]);

    expect(await api.call('DELETE', path(created))).toEqual({ status: 200, body: null });
    for (const [method, at] of [['GET', ''], ['DELETE', ''], ['GET', '/agents'], ['GET', '/blocks']] as const) {
      expect((await api.call(method, path(created, at))).status).toBe(404);
    } // prettier-ignore
  });

  it('has a key of its own in its project, and is put under it', async () => {
    const [agent, block] = [await createAgent(), await createBlock('home')];
    const put = (fields: Json) =>
      api.call('PUT', '/v1/identities/', {
        identifier_key: 'once',
        name: 'One',
        identity_type: 'org',
        ...fields,
      });

    const first = await put({ agent_ids: [agent['id']], block_ids: [block['id']] });
    const again = await put({ name: 'Two', properties: [{ key: 'a', value: true, type: 'boolean' }] });
    const elsewhere = await create({ identifier_key: 'once', project_id: 'other' });

    expect(first).toMatchObject({ status: 200, body: { name: 'One' } });
    expect(again.body).toMatchObject({ id: first.body.id, name: 'Two', properties: [{ key: 'a' }] });
    expect(elsewhere['id']).not.toBe(first.body.id);
    expect(await idsAt(path(first.body, '/agents'))).toEqual([agent['id']]);
    expect(await idsAt(path(first.body, '/blocks'))).toEqual([block['id']]);

    await put({ agent_ids: [] });
    expect(await idsAt(path(first.body, '/agents'))).toEqual([]);
    expect(await idsAt(path(first.body, '/blocks'))).toEqual([block['id']]);

    const taken = { identifier_key: 'once', name: 'x', identity_type: 'user' };
    expect((await api.call('POST', '/v1/identities/', taken)).status).toBe(409);
    const other = await create();
    expect((await api.call('PATCH', path(other), { identifier_key: 'once' })).status).toBe(409);
  });

  it('refuses what the original refuses, and stores nothing of it', async () => {
    const { body: before } = await api.call('GET', '/v1/identities/count');
    const post = (fields: Json) =>
      api.call('POST', '/v1/identities/', {
        identifier_key: 'bad',
        name: 'x',
        identity_type: 'user',
        ...fields,
      });

    expect((await post({ identity_type: 'robot' })).status).toBe(422);
    expect((await post({ name: null })).status).toBe(422);
    expect((await post({ agent_ids: ['agent-1'] })).status).toBe(422);
    expect((await post({ agent_ids: [`agent-${ABSENT}`] })).status).toBe(404);
    expect((await post({ block_ids: [`block-${ABSENT}`] })).status).toBe(404);
    expect((await api.call('GET', '/v1/identities/1')).status).toBe(422);
    expect((await api.call('PATCH', `/v1/identities/identity-${ABSENT}`, { name: 'x' })).status).toBe(404);
    expect((await api.call('PUT', `/v1/identities/identity-${ABSENT}/properties`, [])).status).toBe(404);
    expect((await api.call('GET', '/v1/identities/count')).body).toBe(before);
  });

  it('is found by name, key, type and project, in pages', async () => {
    const mine = [];
    for (const type of ['org', 'user', 'other'])
      mine.push(await create({ name: 'Paged', identity_type: type, project_id: 'p-paged' }));
    const ids = mine.map(({ id }) => String(id));

    expect(await idsAt('/v1/identities/?name=pAGE')).toEqual([...ids].reverse());
    expect(await idsAt('/v1/identities/?project_id=p-paged&order=asc')).toEqual(ids);
    expect(await idsAt('/v1/identities/?project_id=p-paged&identity_type=org')).toEqual([ids[0]]);
    expect(await idsAt(`/v1/identities/?identifier_key=${String(mine[1]?.['identifier_key'])}`)).toEqual([
      ids[1],
    ]);
    expect(await idsAt(`/v1/identities/?name=paged&limit=1&after=${ids[2]}`)).toEqual([ids[1]]);
    expect(await idsAt(`/v1/identities/?name=paged&before=${ids[1]}`)).toEqual([ids[2]]);
  });
});

describe('the agents of an identity', () => {
  it('show it, are found by it, and keep nothing of it when it is deleted', async () => {
    const [one, two] = [await create(), await create()];
    const agent = await createAgent({ identity_ids: [one['id']] });
    const at = `/v1/agents/${String(agent['id'])}`;
    const shown = async () => (await api.call('GET', `${at}?include=agent.identities`)).body;

    expect(agent).toMatchObject({ identity_ids: [one['id']], identities: [one] });
    expect((await api.call('GET', at)).body).toMatchObject({ identity_ids: [], identities: [] });
    expect(await idsAt(`/v1/agents/?identity_id=${String(one['id'])}`)).toEqual([agent['id']]);
    const byKeys = `identifier_keys=${String(one['identifier_key'])}&identifier_keys=${String(two['identifier_key'])}`;
    expect(await idsAt(`/v1/agents/?${byKeys}`)).toEqual([agent['id']]);
    expect((await api.call('GET', `/v1/agents/count?${byKeys}`)).body).toBe(1);
    expect(await idsAt(path(one, '/agents'))).toEqual([agent['id']]);

    await api.call('PATCH', at, { identity_ids: [two['id']] });
    await api.call('PATCH', at, { name: 'same' });
    expect((await shown()).identity_ids).toEqual([two['id']]);

    await api.call('PATCH', path(one), { agent_ids: [agent['id']] });
    expect((await shown()).identities).toEqual([one, two]);
    await api.call('DELETE', path(two));
    expect((await shown()).identity_ids).toEqual([one['id']]);
  });

  it('are attached and detached one by one, again without harm, by the unmodified SDK as well', async () => {
    const [identity, agent] = [await create(), await createAgent()];
    const change = (what: string, id: unknown = identity['id']) =>
      api.call('PATCH', `/v1/agents/${String(agent['id'])}/identities/${what}/${String(id)}`);

    for (const _ of [1, 2]) expect(await change('attach')).toEqual({ status: 200, body: null });
    expect(await idsAt(path(identity, '/agents'))).toEqual([agent['id']]);
    for (const _ of [1, 2]) expect(await change('detach')).toEqual({ status: 200, body: null });
    expect(await idsAt(path(identity, '/agents'))).toEqual([]);
    expect((await change('attach', `identity-${ABSENT}`)).status).toBe(404);
    expect((await change('detach', `identity-${ABSENT}`)).status).toBe(404);

    const client = new Letta({ baseURL: api.baseUrl, apiKey: 'none' });
    const [agentId, identityId] = [String(agent['id']), String(identity['id'])];
    await client.agents.identities.attach(identityId, { agent_id: agentId });
    const { identities } = await client.agents.retrieve(agentId, { include: ['agent.identities'] });
    expect(identities).toEqual([identity]);
    await client.agents.identities.detach(identityId, { agent_id: agentId });
    expect(await idsAt(path(identity, '/agents'))).toEqual([]);
    expect((await api.call('PATCH', `/v1/agents/agent-${ABSENT}/identities/attach/${String(identity['id'])}`)).status).toBe(404); // prettier-ignore
  });

  it('cannot name an identity that does not exist', async () => {
    const ghost = { identity_ids: [`identity-${ABSENT}`] };
    const agent = await createAgent();

    const created = await api.call('POST', '/v1/agents/', {
      model: 'openai/gpt-4.1',
      name: 'ghostly',
      ...ghost,
    });
    expect(created.status).toBe(409);
    expect(await idsAt('/v1/agents/?name=ghostly')).toEqual([]);
    expect((await api.call('PATCH', `/v1/agents/${String(agent['id'])}`, ghost)).status).toBe(409);
  });
});

describe('the blocks of an identity', () => {
  it('are found by it, and are no memory of its agents unless they have them', async () => {
    const [mine, other] = [await createBlock('mine'), await createBlock('other')];
    const identity = await create({ block_ids: [mine['id']] });
    const agent = await createAgent({ identity_ids: [identity['id']] });

    expect(agent['blocks']).toEqual([]);
    expect(await idsAt(`/v1/blocks/?identity_id=${String(identity['id'])}`)).toEqual([mine['id']]);
    expect(await idsAt(`/v1/blocks/?identifier_keys=${String(identity['identifier_key'])}`)).toEqual([
      mine['id'],
    ]);

    const change = (what: string, id: unknown) =>
      api.call('PATCH', `/v1/blocks/${String(id)}/identities/${what}/${String(identity['id'])}`);
    expect(await change('attach', other['id'])).toEqual({ status: 200, body: other });
    expect(await idsAt(path(identity, '/blocks?order=asc'))).toEqual([mine['id'], other['id']]);
    expect(await change('detach', mine['id'])).toEqual({ status: 200, body: mine });
    expect(await idsAt(path(identity, '/blocks'))).toEqual([other['id']]);
    expect((await change('attach', `block-${ABSENT}`)).status).toBe(404);

    await api.call('DELETE', `/v1/blocks/${String(other['id'])}`);
    expect(await idsAt(path(identity, '/blocks'))).toEqual([]);
  });
});
