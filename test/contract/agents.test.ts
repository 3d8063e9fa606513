import Letta from '@letta-ai/letta-client';
import { type CrudApi, startCrudApi } from '../support/crud-api';
import { sampleBody } from '../support/letta-samples';
import { shapeOf } from '../support/shape';

let api: CrudApi;
beforeAll(async () => {
  api = await startCrudApi();
});
afterAll(() => api.stop());

const MISSING = 'agent-00000000-0000-4000-8000-000000000000';
const UUID = /[0-9a-f]{8}-[0-9a-f-]{27}/g;

/** An answer without what differs from run to run or is our own: ids, dates, texts, endpoints, added keys. */
function comparable(body: unknown): unknown {
  const text = JSON.stringify(body, (key, value: unknown) => {
    if (['created_at', 'updated_at', 'tool_hash'].includes(key)) return '<varies>';
    if (['description', 'system', 'prompt'].includes(key) && typeof value === 'string') return '<ours>';
    if (key === 'name' && typeof value === 'string' && /^([A-Z][a-z]+){2}$/.test(value)) return '<random>';
    if (['model_endpoint', 'embedding_endpoint'].includes(key)) return '<endpoint>';
    if (['effects', 'enable_parallel_execution', 'json_schema'].includes(key)) return undefined;
    return value;
  });
  return JSON.parse(text.replace(UUID, '<uuid>').replaceAll('openai-proxy/', 'openai/'));
}

it('creates an agent with nothing but a model as the original does', async () => {
  const { status, body } = await api.call('POST', '/v1/agents/', { model: 'openai-proxy/gpt-4.1' });

  expect(status).toBe(200);
  expect(comparable(body)).toEqual(comparable(sampleBody('agents.create.default_minimal.json')));
  expect(body.name).toMatch(/^[A-Z][a-z]+[A-Z][a-z]+$/);
  expect(body.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
});

it('creates the agent of the hello world as the original does', async () => {
  const { body } = await api.call('POST', '/v1/agents/', {
    model: 'openai-proxy/gpt-4.1',
    embedding: 'openai/text-embedding-3-small',
    memory_blocks: [
      { label: 'human', value: "The human's name is Chad. They like vibe coding." },
      { label: 'persona', value: 'My name is Sam, the all-knowing sentient AI.' },
    ],
    tools: ['web_search', 'run_code'],
  });
  const sample = sampleBody('agents.create.hello.json') as typeof body;

  expect(comparable({ ...body, tools: [] })).toEqual(comparable({ ...sample, tools: [] }));
  expect(body.tools.map((tool: { name: string }) => tool.name).sort()).toEqual(
    sample.tools.map((tool: { name: string }) => tool.name).sort(),
  );
  const { effects, ...tool } = body.tools[0];
  expect(effects).toBe('transactional');
  expect(shapeOf(tool)).toEqual(shapeOf(sample.tools[0]));
});

it.each([
  { type: 'conditional', tool_name: 'a', child_output_mapping: {}, default_child: 'b' },
  {
    type: 'constrain_child_tools',
    tool_name: 'a',
    children: ['b'],
    child_arg_nodes: [{ name: 'c', args: { x: 1 } }],
  },
])('refuses a rule that can not be meant: %j', async (rule) => {
  const { status } = await api.call('POST', '/v1/agents/', { model: 'openai/gpt-4.1', tool_rules: [rule] });

  expect(status).toBe(422);
});

it.each(['agents.create.tool_rules', 'agents.create.base_rules'])(
  'gives base tools the rules of the original in %s',
  async (name) => {
    const sample = sampleBody(`${name}.json`) as { tool_rules: { tool_name: string }[] };
    const request = {
      'agents.create.tool_rules': {
        tool_rules: [
          { type: 'run_first', tool_name: 'memory_insert' },
          { type: 'exit_loop', tool_name: 'memory_insert' },
        ],
      },
      'agents.create.base_rules': { include_base_tool_rules: true, include_multi_agent_tools: true },
    }[name];

    const { body } = await api.call('POST', '/v1/agents/', { model: 'openai/gpt-4.1', ...request });

    // The multi-agent tools are not part of this version.
    const expected = sample.tool_rules.filter((rule) => !rule.tool_name.startsWith('send_message'));
    expect(body.tool_rules).toHaveLength(expected.length);
    expect(body.tool_rules).toEqual(expect.arrayContaining(expected));
  },
);

it('lists agents without their relations unless a 1.0 client asks for them', async () => {
  const tags = ['listed'];
  const memory_blocks = [{ label: 'human', value: 'h' }];
  const secrets = { KEY: 'value' };
  const { body: agent } = await api.call('POST', '/v1/agents/', {
    model: 'openai/gpt-4.1',
    tags,
    memory_blocks,
    secrets,
  });

  const { body: bare } = await api.call('GET', '/v1/agents/?tags=listed');
  const { body: some } = await api.call(
    'GET',
    `/v1/agents/${agent.id}?include=agent.blocks&include=agent.tags`,
  );
  const { body: older } = await api.call('GET', `/v1/agents/${agent.id}`, undefined, {
    'user-agent': 'curl/8',
  });

  const sample = (sampleBody('agents.list.json') as object[])[0];
  expect(Object.keys(bare[0]).sort()).toEqual(Object.keys(sample ?? {}).sort());
  expect(bare[0]).toMatchObject({ blocks: [], tools: [], tags: [], secrets: [], memory: { blocks: [] } });
  expect(some).toMatchObject({ tools: [], tags, memory: { blocks: [{ label: 'human' }] }, secrets: [] });
  expect(some.blocks).toHaveLength(1);
  expect(older.tools).toHaveLength(3);
  expect((await api.call('GET', `/v1/agents/${agent.id}/secrets`)).body).toEqual(older.secrets);
  expect(older.secrets).toMatchObject([{ key: 'KEY', value: 'value', agent_id: agent.id }]);
  expect(older.secrets[0].id).toMatch(/^agent-env-[0-9a-f]{8}/);
  expect(older.tool_exec_environment_variables).toEqual(older.secrets);
});

it('updates the fields it is sent and keeps the others', async () => {
  const { body: agent } = await api.call('POST', '/v1/agents/', {
    model: 'openai/gpt-4.1',
    description: 'before',
  });

  const { status, body } = await api.call('PATCH', `/v1/agents/${agent.id}`, {
    tags: ['t2', 't1'],
    metadata: { k: 1 },
    description: null,
  });

  expect(status).toBe(200);
  expect(body).toMatchObject({
    description: 'before',
    tags: ['t2', 't1'],
    metadata: { k: 1 },
    name: agent.name,
  });
  expect(body.updated_at > agent.updated_at).toBe(true);
});

it('answers a deletion as the original does, and 404 from then on', async () => {
  const { body: agent } = await api.call('POST', '/v1/agents/', { model: 'openai/gpt-4.1' });

  const first = await api.call('DELETE', `/v1/agents/${agent.id}`);
  const second = await api.call('DELETE', `/v1/agents/${agent.id}`);

  expect(first).toEqual({ status: 200, body: { message: `Agent id=${agent.id} successfully deleted` } });
  expect(second.status).toBe(404);
});

const model = 'openai/gpt-4.1';
it.each([
  ['agents.create.no_model_400', { name: 'x' }, 400],
  ['agents.create.no_provider_prefix', { model: 'gpt-4.1' }, 400],
  ['agents.create.bad_model_404', { model: 'openai/gpt-nope' }, 404],
  ['agents.create.bad_tool', { model, tools: ['nope_tool'] }, 400],
])('refuses a creation as the original does: %s', async (name, request, status) => {
  const answer = await api.call('POST', '/v1/agents/', request);

  expect(answer).toEqual({ status, body: sampleBody(`${name}.json`) });
});

it('answers 404 for an agent that does not exist in the words of the original', async () => {
  const answer = await api.call('GET', `/v1/agents/${MISSING}`);

  expect(answer).toEqual({ status: 404, body: sampleBody('err.agents.retrieve.404.json') });
});

it.each([
  ['a name with a slash', { model, name: 'bad/name?*' }, 400],
  ['a name with a control character', { model, name: 'a\u0007b' }, 400],
  ['an empty name', { model, name: ' ' }, 400],
  ['a name of 10,000 characters', { model, name: 'n'.repeat(10_000) }, 400],
  ['an unknown timezone', { model, timezone: 'Mars/Olympus' }, 400],
  ['an unknown embedding', { model, embedding: 'openai/nope' }, 400],
  ['a context window above the model', { model: 'ollama/small', context_window_limit: 9000 }, 400],
  ['a context window above every integer', { model, context_window_limit: 1e12 }, 422],
  ['a folder id of the wrong form', { model, folder_ids: ['source-1'] }, 422],
  [
    'a folder id without a folder',
    { model, source_ids: ['source-00000000-0000-4000-8000-000000000000'] },
    404,
  ],
  ['a tool id of the wrong form', { model, tool_ids: ['tool-x'] }, 422],
  ['a tool id without a tool', { model, tool_ids: ['tool-00000000-0000-4000-8000-000000000000'] }, 404],
  ['a block id without a block', { model, block_ids: ['block-00000000-0000-4000-8000-000000000000'] }, 404],
  [
    'two blocks of one label',
    {
      model,
      memory_blocks: [
        { label: 'a', value: '' },
        { label: 'a', value: '' },
      ],
    },
    409,
  ],
  ['a label of 10,000 characters', { model, memory_blocks: [{ label: 'l'.repeat(10_000), value: '' }] }, 400],
  ['a value over the limit', { model, memory_blocks: [{ label: 'a', value: 'xx', limit: 1 }] }, 422],
  ['a rule of an unknown type', { model, tool_rules: [{ type: 'nope', tool_name: 'a' }] }, 422],
  ['a NUL character', { model, description: 'a\u0000b' }, 422],
  ['half of a surrogate pair', `{"model":"${model}","system":"\\ud800"}`, 422],
  ['a body that is no object', '[]', 422],
  ['a body that is no JSON', '{', 422],
  ['wrong types', { model, tags: 'x', metadata: [], secrets: { a: 1 } }, 422],
])('refuses a creation with %s and stores nothing', async (_what, request, status) => {
  const before = await api.call('GET', '/v1/agents/count');
  const blocksBefore = await api.call('GET', '/v1/blocks/count');

  const answer = await api.call('POST', '/v1/agents/', request);

  expect(answer.status).toBe(status);
  expect(typeof answer.body.detail).toBe('string');
  expect(await api.call('GET', '/v1/agents/count')).toEqual(before);
  expect(await api.call('GET', '/v1/blocks/count')).toEqual(blocksBefore);
});

it('serves the unmodified SDK from creation to deletion', async () => {
  const client = new Letta({ baseURL: api.baseUrl, apiKey: 'none' });
  const agent = await client.agents.create({
    model,
    name: 'sdk agent',
    memory_blocks: [{ label: 'human', value: 'Chad' }],
    tags: ['sdk'],
  });
  const block = await client.blocks.create({ label: 'notes', value: 'n' });

  await client.agents.blocks.attach(block.id, { agent_id: agent.id });
  await client.agents.blocks.update('notes', { agent_id: agent.id, value: 'changed' });
  await client.agents.tools.updateApproval('memory_insert', {
    agent_id: agent.id,
    body_requires_approval: true,
  });
  const updated = await client.agents.update(agent.id, { description: 'd' });
  const read = await client.agents.retrieve(agent.id, { include: ['agent.blocks', 'agent.tools'] });
  const tools = (await client.agents.tools.list(agent.id)).getPaginatedItems();
  const names: string[] = [];
  for await (const listed of client.agents.list({ tags: ['sdk'], limit: 1 })) names.push(listed.name);

  expect(updated.description).toBe('d');
  expect(read.blocks.map((item) => [item.label, item.value])).toEqual([
    ['human', 'Chad'],
    ['notes', 'changed'],
  ]);
  expect(tools.map((tool) => tool.name).sort()).toEqual([
    'conversation_search',
    'memory_insert',
    'memory_replace',
  ]);
  expect(names).toEqual(['sdk agent']);
  expect(await client.tags.list()).toContain('sdk');
  await client.agents.blocks.detach(block.id, { agent_id: agent.id });
  await client.agents.delete(agent.id);
  await expect(client.agents.retrieve(agent.id)).rejects.toMatchObject({ status: 404 });
});

it('hidden agents, and those of other agents, are listed and counted on request', async () => {
  const project_id = 'hidden-ones';
  const shown = (await api.call('POST', '/v1/agents/', { model, project_id })).body;
  const hidden = (await api.call('POST', '/v1/agents/', { model, project_id, hidden: true })).body;
  const subagent = (await api.call('POST', '/v1/agents/', { model, project_id, tags: ['role:subagent'] }))
    .body;

  const ids = async (query: string) =>
    (await api.call('GET', `/v1/agents/?order=asc&project_id=${project_id}${query}`)).body.map(
      ({ id }: { id: string }) => id,
    );
  const count = async (path: string) => Number((await api.call('GET', path)).body);
  expect(subagent.hidden).toBe(true);
  expect(await ids('')).toEqual([shown.id]);
  expect(await ids('&show_hidden_agents=true')).toEqual([shown.id, hidden.id, subagent.id]);
  expect(await count(`/v1/agents/count?project_id=${project_id}`)).toBe(1);
  expect(await count(`/v1/agents/count?project_id=${project_id}&show_hidden_agents=true`)).toBe(3);
  const all = await count('/v1/_internal_agents/count?exclude_hidden=false');
  expect(await count('/v1/_internal_agents/count')).toBe(all - 2);
  expect((await api.call('GET', `/v1/agents/${hidden.id}`)).status).toBe(200);
});

it('keeps each tool rule once', async () => {
  const ends = { tool_name: 'stop', type: 'exit_loop' };
  const atMost = (max_count_limit: number) => ({
    tool_name: 'web_search',
    type: 'max_count_per_step',
    max_count_limit,
  });

  const { body: agent } = await api.call('POST', '/v1/agents/', {
    model,
    include_base_tools: false,
    tool_rules: [ends, ends],
  });
  const { body: changed } = await api.call('PATCH', `/v1/agents/${agent.id}`, {
    tool_rules: [atMost(2), ends, atMost(2), atMost(3)],
  });

  expect(agent.tool_rules).toMatchObject([ends]);
  expect(changed.tool_rules).toMatchObject([atMost(2), ends, atMost(3)]);
});
