import { type CrudApi, startCrudApi } from '../support/crud-api';
import { sampleBody } from '../support/letta-samples';
import { shapeOf } from '../support/shape';

let api: CrudApi;
const OUTCOME = { status: 'success', result: 'rolled 6', stdout: ['rolling\n'], stderr: null };
const FAILED = { status: 'error', result: 'no such dice', stdout: null, stderr: null };
let outcome: object = OUTCOME;
const ran: unknown[] = [];
// What the activity behind it does: the arguments are on the row, and so is the outcome in the end.
const turns = {
  async runTool({ id, effects }: { id: string; effects: string }) {
    const { rows } = await api.database.pool.query(
      `update tool_runs set outcome = $2 where id = $1 returning agent_id, tool_name, args`,
      [id, JSON.stringify(outcome)],
    );
    ran.push({ ...rows[0], effects });
  },
};
beforeAll(async () => {
  api = await startCrudApi(turns);
});
afterAll(() => api.stop());

const source_code = 'def helper(x):\n    return x\n\ndef roll_dice(sides: int) -> str:\n    return "6"\n';
const parameters = {
  type: 'object',
  properties: { sides: { type: 'integer', description: 'Number of sides.' } },
  required: ['sides'],
};
const json_schema = { name: 'roll_dice', description: 'Roll some dice.', parameters };
const model = 'openai/gpt-4.1';

async function builtinTool(name = 'memory_insert') {
  const { body } = await api.call('GET', `/v1/tools/?name=${name}`);
  return body[0];
}
const createTool = async (fields: object = {}) => (await api.call('POST', '/v1/tools/', { source_code, json_schema, ...fields })).body; // prettier-ignore
const named = (name: string) => ({
  source_code: source_code.replace('roll_dice', name),
  json_schema: { ...json_schema, name },
});

it('stores a tool with a schema in the form of the original, and replaces it by name', async () => {
  const first = await api.call('POST', '/v1/tools/', { source_code, json_schema });
  const again = await api.call('PUT', '/v1/tools/', {
    source_code,
    json_schema,
    tags: ['x'],
    effects: 'idempotent',
  });

  const { effects, ...tool } = first.body;
  expect(effects).toBe('once');
  expect({ ...(shapeOf(tool) as object), args_json_schema: '' }).toEqual({
    ...(shapeOf({ ...(sampleBody('tools.retrieve.json') as object), tags: [] }) as object),
    args_json_schema: '',
    json_schema: shapeOf(json_schema),
  });
  expect(tool).toMatchObject({ name: 'roll_dice', tool_type: 'custom', source_type: 'json', json_schema });
  expect(again.status).toBe(200);
  expect(again.body).toMatchObject({ id: tool.id, tags: ['x'], effects: 'idempotent' });
  const untagged = await api.call('PUT', '/v1/tools/', { source_code, json_schema });
  expect(untagged.body).toMatchObject({ id: tool.id, tags: ['x'], effects: 'once' });
});

it('takes the name from the last function when only the arguments are described', async () => {
  const args_json_schema = parameters;

  const tool = await createTool({ json_schema: undefined, args_json_schema, description: 'Rolls.' });

  expect(tool.json_schema).toEqual({ name: 'roll_dice', description: 'Rolls.', parameters });
});

it('updates the fields it is sent, and the description inside the schema with the one outside', async () => {
  const tool = await createTool();

  const { body } = await api.call('PATCH', `/v1/tools/${tool.id}`, {
    return_char_limit: 500,
    description: 'Other.',
    default_requires_approval: true,
    source_code: null,
  });

  expect(body).toEqual({
    ...tool,
    return_char_limit: 500,
    description: 'Other.',
    default_requires_approval: true,
    json_schema: { ...json_schema, description: 'Other.' },
  });
});

it('refuses to rename a tool to a name that is taken', async () => {
  const tool = await createTool(named('mine'));

  const answer = await api.call('PATCH', `/v1/tools/${tool.id}`, {
    ...named('web_search'),
  });

  expect(answer.status).toBe(409);
});

it('deletes a tool with null and takes it from its agents', async () => {
  const tool = await createTool(named('short_lived'));
  const { body: agent } = await api.call('POST', '/v1/agents/', {
    model,
    tool_ids: [tool.id],
    include_base_tools: false,
  });

  expect(agent.tools).toHaveLength(1);
  expect(await api.call('DELETE', `/v1/tools/${tool.id}`)).toEqual({ status: 200, body: null });
  expect((await api.call('DELETE', `/v1/tools/${tool.id}`)).status).toBe(404);
  expect((await api.call('GET', `/v1/agents/${agent.id}/tools`)).body).toEqual([]);
});

it('lets nobody overwrite or delete a built-in tool, but decide about its use', async () => {
  const tool = await builtinTool();

  const refused = [
    await api.call('DELETE', `/v1/tools/${tool.id}`),
    await api.call('PATCH', `/v1/tools/${tool.id}`, { source_code: 'x' }),
    await api.call('POST', '/v1/tools/', named('memory_insert')),
  ];
  const allowed = await api.call('PATCH', `/v1/tools/${tool.id}`, { default_requires_approval: true });

  for (const answer of refused)
    expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining('built-in') } });
  expect(allowed.body).toEqual({ ...tool, default_requires_approval: true });
});

it.each([
  ['source without a schema', { source_code }, 400, 'Failed to derive json schema'],
  [
    'a schema without a name',
    { source_code: 'x', json_schema: { description: 'd' } },
    400,
    'names the function',
  ],
  ['a name with a space', { source_code, json_schema: { name: 'a b' } }, 400, 'invalid'],
  ['a name of 49 characters', { source_code, json_schema: { name: 'n'.repeat(49) } }, 400, 'invalid'],
  [
    'parameters that are no object',
    { source_code, json_schema: { name: 'roll_dice', parameters: { type: 'string' } } },
    400,
    'object',
  ],
  ['no source', { json_schema }, 422, 'source_code'],
  ['a limit of 0', { source_code, json_schema, return_char_limit: 0 }, 422, 'return_char_limit'],
  ['unknown effects', { source_code, json_schema, effects: 'twice' }, 422, 'effects'],
])('refuses a tool with %s', async (_what, body, status, text) => {
  const answer = await api.call('POST', '/v1/tools/', body);

  expect(answer).toMatchObject({ status, body: { detail: expect.stringContaining(text) } });
});

it('filters and counts tools by everything the SDK offers', async () => {
  await createTool();
  const one = await builtinTool('run_code');
  const names = async (query: string) => {
    const { body } = await api.call('GET', `/v1/tools/?${query}`);
    return body.map((tool: { name: string }) => tool.name).sort();
  };

  expect(await names('names=run_code&names=web_search')).toEqual(['run_code', 'web_search']);
  expect(await names(`tool_ids=${one.id}`)).toEqual(['run_code']);
  expect(await names('search=MEMORY_in')).toEqual(['memory_insert']);
  expect(await names('tool_types=letta_core,letta_builtin')).toEqual([
    'conversation_search',
    'run_code',
    'web_search',
  ]);
  expect(await names('return_only_letta_tools=true')).not.toContain('roll_dice');
  expect(await names('exclude_tool_types=letta_core&exclude_tool_types=letta_builtin')).not.toContain(
    'run_code',
  );
  expect((await api.call('GET', '/v1/tools/count?return_only_letta_tools=true')).body).toBe(6);
  expect((await api.call('POST', '/v1/tools/add-base-tools')).body).toHaveLength(6);
});

it('attaches, detaches and lists the tools of an agent', async () => {
  const { body: agent } = await api.call('POST', '/v1/agents/', { model, include_base_tools: false });
  const tool = await builtinTool('web_search');
  const path = `/v1/agents/${agent.id}/tools`;

  expect(await api.call('PATCH', `${path}/attach/${tool.id}`)).toEqual({ status: 200, body: null });
  expect((await api.call('GET', path)).body).toEqual([tool]);
  const older = await api.call('PATCH', `${path}/attach/${tool.id}`, undefined, {
    'user-agent': 'letta-client/0.1.300',
  });
  expect(older.body.tools).toEqual([tool]);
  expect(await api.call('PATCH', `${path}/detach/${tool.id}`)).toEqual({ status: 200, body: null });
  expect((await api.call('GET', path)).body).toEqual([]);
  const unknown = await api.call('PATCH', `${path}/attach/tool-00000000-0000-4000-8000-000000000000`);
  expect(unknown.status).toBe(404);
});

it('lists ten tools of an agent unless asked for more', async () => {
  const tool_ids: string[] = [];
  for (let count = 0; count < 11; count++) tool_ids.push((await createTool(named(`many_${count}`))).id);
  const { body: agent } = await api.call('POST', '/v1/agents/', {
    model,
    include_base_tools: false,
    tool_ids,
  });

  const { body: page } = await api.call('GET', `/v1/agents/${agent.id}/tools`);
  const { body: rest } = await api.call('GET', `/v1/agents/${agent.id}/tools?after=${page[9].id}`);

  expect(page).toHaveLength(10);
  expect(rest.map((tool: { id: string }) => tool.id)).toEqual([tool_ids[0]]);
});

it('takes an approval setting from the body or the query, and shows it as a rule of the agent', async () => {
  const { body: agent } = await api.call('POST', '/v1/agents/', { model, include_base_tool_rules: false });
  const path = `/v1/agents/${agent.id}/tools/approval`;
  const overrules = async () => {
    const { rows } = await api.database.pool.query(
      `select at.requires_approval from agent_tools at join tools t on t.id = at.tool_id
        where at.agent_id = $1 and t.name = 'memory_insert'`,
      [agent.id],
    );
    return rows[0].requires_approval as unknown;
  };
  const rules = async () => (await api.call('GET', `/v1/agents/${agent.id}`)).body.tool_rules as unknown;
  const rule = { type: 'requires_approval', tool_name: 'memory_insert', prompt_template: null };

  expect(await api.call('PATCH', `${path}/memory_insert`, { requires_approval: true })).toEqual({
    status: 200,
    body: null,
  });
  await api.call('PATCH', `${path}/memory_insert`, { requires_approval: true });
  expect(await rules()).toEqual([rule]);
  expect(await overrules()).toBeNull();
  const older = await api.call('PATCH', `${path}/memory_insert?requires_approval=false`, undefined, {
    'user-agent': 'curl',
  });
  expect(older.body.tool_rules).toEqual([]);
  expect(await overrules()).toBe(false);
  expect((await api.call('PATCH', `${path}/web_search`, { requires_approval: true })).status).toBe(404);
  expect((await api.call('PATCH', `${path}/memory_insert`, {})).status).toBe(422);
});

it('runs a tool of an agent by hand and answers in the form of the original', async () => {
  const tool = await createTool();
  const { body: agent } = await api.call('POST', '/v1/agents/', { model, tool_ids: [tool.id] });
  const path = `/v1/agents/${agent.id}/tools`;

  const answer = await api.call('POST', `${path}/roll_dice/run`, { args: { sides: 6 } });
  const absent = await api.call('POST', `${path}/web_search/run`, { args: {} });

  const sample = sampleBody('agents.tools.run.json') as object;
  expect(Object.keys(answer.body).sort()).toEqual(Object.keys(sample).sort());
  expect(answer.body).toMatchObject({
    status: 'success',
    func_return: 'rolled 6',
    stdout: ['rolling\n'],
    stderr: [],
  });
  expect(ran).toEqual([{ agent_id: agent.id, tool_name: 'roll_dice', args: { sides: 6 }, effects: 'once' }]);
  expect(absent.status).toBe(404);

  outcome = FAILED;
  const failed = await api.call('POST', `${path}/roll_dice/run`, { args: { sides: 7 } });
  expect(failed.body).toMatchObject({ status: 'error', func_return: null, stderr: ['no such dice'] });
});
