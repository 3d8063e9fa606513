import { type CrudApi, startCrudApi } from '../support/crud-api';
import { sampleBody } from '../support/letta-samples';
import { shapeOf } from '../support/shape';

type Json = Readonly<Record<string, any>>; // eslint-disable-line @typescript-eslint/no-explicit-any
let api: CrudApi;
beforeAll(async () => {
  api = await startCrudApi();
});
afterAll(() => api.stop());

const create = async (fields: Json = {}): Promise<Json> =>
  (
    await api.call('POST', '/v1/agents/', {
      name: 'Dreamer',
      model: 'openai/gpt-4.1',
      embedding: 'openai/text-embedding-3-small',
      enable_sleeptime: true,
      memory_blocks: [{ label: 'human', value: 'h' }],
      ...fields,
    })
  ).body;
const frequency = (value: unknown) => ({
  manager_config: { manager_type: 'sleeptime', sleeptime_agent_frequency: value },
});

it('shows a group in the form of the original', async () => {
  const sample = sampleBody('agents.create.sleeptime_with_embedding.json') as Json;
  const agent = await create();
  const group = agent['managed_group'];

  expect(agent['multi_agent_group']).toEqual(group);
  const { id, agent_ids: sleepers, manager_agent_id: manager, ...facts } = group;
  const { id: _id, agent_ids: _sleepers, manager_agent_id: _manager, ...original } = sample['managed_group'];
  expect(facts).toEqual(original);
  expect(shapeOf(group)).toEqual(shapeOf(sample['managed_group']));
  expect([manager, sleepers]).toEqual([agent['id'], [expect.stringMatching(/^agent-/)]]);
  expect((await api.call('GET', `/v1/groups/${String(id)}`)).body).toEqual(group);
  expect((await api.call('GET', '/v1/groups/')).body).toContainEqual(group);
  expect((await api.call('GET', '/v1/groups/?manager_type=round_robin')).body).toEqual([]);
  expect((await api.call('GET', '/v1/groups/count')).body).toBe(1);
  const groupsOf = async (agentId: unknown, query = '') =>
    (await api.call('GET', `/v1/agents/${String(agentId)}/groups${query}`)).body as unknown;
  expect(await groupsOf(sleepers[0])).toEqual([group]);
  expect(await groupsOf(sleepers[0], '?manager_type=round_robin')).toEqual([]);
  expect(await groupsOf(manager)).toEqual([]);
});

it('gives an agent the tools and rules of the original, and its sleeper the blocks and the tools to edit them', async () => {
  const agent = await create();
  const { body: sleeper } = await api.call('GET', `/v1/agents/${agent['managed_group'].agent_ids[0]}?include=agent.blocks&include=agent.tools&include=agent.managed_group`); // prettier-ignore

  const names = (one: Json): string[] => one['tools'].map(({ name }: Json) => String(name));
  expect(names(agent)).toEqual(['conversation_search']); // of those that this test's server has
  expect(agent['tool_rules']).toEqual([
    { type: 'continue_loop', tool_name: 'conversation_search', prompt_template: null },
  ]);
  expect(sleeper.name).toBe('Dreamer-sleeptime');
  expect(names(sleeper)).toEqual(['memory_replace', 'memory_insert', 'memory_rethink']);
  expect(sleeper.blocks).toEqual(agent['blocks']);
  expect(sleeper.managed_group).toBeNull();
});

it('changes how often the sleeper is woken', async () => {
  const { id } = (await create())['managed_group'];

  const { body } = await api.call('PATCH', `/v1/groups/${id}`, frequency(2));
  expect(body.sleeptime_agent_frequency).toBe(2);
  expect((await api.call('PATCH', `/v1/groups/${id}`, frequency(0))).status).toBe(422);
  expect((await api.call('PATCH', `/v1/groups/${id}`, {})).body).toEqual(body);
});

it('gives an agent a sleeper later on, and only one', async () => {
  const agent = await create({ enable_sleeptime: false });
  expect(agent['managed_group']).toBeNull();

  const include = '?include=agent.managed_group';
  const update = () =>
    api.call('PATCH', `/v1/agents/${String(agent['id'])}${include}`, { enable_sleeptime: true });
  await update();
  await update();

  const { body } = await api.call('GET', `/v1/agents/${String(agent['id'])}${include}`);
  expect(body.managed_group.agent_ids).toHaveLength(1);
  const { body: all } = await api.call('GET', '/v1/groups/?limit=100');
  const mine = all.filter((group: Json) => group['manager_agent_id'] === agent['id']);
  expect(mine).toHaveLength(1);
});

it("a block that the agent gets later is its sleeper's too, unless that has one of the label", async () => {
  const agent = await create();
  const sleeper = String(agent['managed_group'].agent_ids[0]);
  const labels = async (id: string): Promise<readonly string[]> =>
    (await api.call('GET', `/v1/agents/${id}/core-memory/blocks`)).body.map(({ label, value }: Json) => `${label}=${value}`); // prettier-ignore
  const attach = async (to: string, label: string, value: string) => {
    const { body } = await api.call('POST', '/v1/blocks/', { label, value });
    const path = `/v1/agents/${to}/core-memory/blocks/attach/${String(body.id)}`;
    expect((await api.call('PATCH', path)).status).toBe(200);
  };
  await attach(sleeper, 'plans', 'of the sleeper');

  await attach(String(agent['id']), 'tastes', 'tea');
  await attach(String(agent['id']), 'plans', 'of the agent');

  expect((await labels(String(agent['id']))).toSorted()).toEqual([
    'human=h',
    'plans=of the agent',
    'tastes=tea',
  ]);
  expect((await labels(sleeper)).toSorted()).toEqual(['human=h', 'plans=of the sleeper', 'tastes=tea']);
});

it('a group that does not exist is not found', async () => {
  expect((await api.call('GET', '/v1/groups/group-00000000-0000-4000-8000-000000000000')).status).toBe(404);
  expect((await api.call('GET', '/v1/groups/nope')).status).toBe(422);
});
