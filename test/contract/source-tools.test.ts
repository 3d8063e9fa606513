import { type CrudApi, startCrudApi } from '../support/crud-api';
import { sampleBody, sampleRequest } from '../support/letta-samples';
import { shapeOf } from '../support/shape';

let api: CrudApi;
const stored: unknown[] = [];
// What the activity behind it does: it finds the source on the row and empties it with the outcome.
const turns = {
  async runTool({ id, effects }: { id: string; effects: string }) {
    const { rows } = await api.database.pool.query(`select * from tool_runs where id = $1`, [id]);
    stored.push({ ...rows[0], effects });
    const outcome = { status: 'error', result: 'Error executing function boom: ValueError: bad y', stdout: ['x\n'], stderr: ['T'] };
    await api.database.pool.query(`update tool_runs set outcome = $2 where id = $1`, [id, JSON.stringify(outcome)]);
  },
}; // prettier-ignore
beforeAll(async () => {
  api = await startCrudApi(turns);
});
beforeEach(() => stored.splice(0));
afterAll(() => api.stop());

const request = (name: string) => sampleRequest(name) as { source_code: string };
const create = (body: object) => api.call('POST', '/v1/tools/', body);
const doc = (args = '') => `    """Do it.\n\n    Args:\n${args}    """\n`;
const withParameter = (annotation: string, before = '') =>
  `${before}def f(x: ${annotation}):\n${doc('        x: what\n')}    return x\n`;

it('reads the schema of a recorded source as the original does', async () => {
  const sample = sampleBody('tools.create.boom.json') as { json_schema: object };

  const { status, body } = await create(request('tools.create.boom.json'));

  const { effects, ...tool } = body;
  expect(status).toBe(200);
  expect(effects).toBe('once');
  expect({ ...(shapeOf(tool) as object), args_json_schema: '' }).toEqual({
    ...(shapeOf(sample) as object),
    args_json_schema: '',
  });
  expect(tool).toMatchObject({ name: 'boom', description: 'Explode.', source_type: 'json' });
  expect(tool.json_schema).toEqual(sample.json_schema);
});

it.each(['err.tools.create.bad_python.json', 'err.tools.create.no_docstring.json'])(
  'answers as recorded in %s',
  async (name) => {
    expect(await create(request(name))).toMatchObject({ status: 400, body: sampleBody(name) });
  },
);

it.each([
  ['int', { type: 'integer' }, true],
  ['float', { type: 'number' }, true],
  ['str', { type: 'string' }, true],
  ['bool', { type: 'boolean' }, true],
  ['list', { type: 'array', items: { type: 'string' } }, true],
  ['list[int]', { type: 'array', items: { type: 'integer' } }, true],
  ['List[List[str]]', { type: 'array', items: { type: 'array', items: { type: 'string' } } }, true],
  ['dict', { type: 'object' }, true],
  ['Dict[str, int]', { type: 'object' }, true],
  ['Literal["a", "b"]', { type: 'string', enum: ['a', 'b'] }, true],
  ['Literal[1, 2]', { type: 'integer', enum: [1, 2] }, true],
  ['typing.Optional[int]', { type: 'integer' }, false],
  ['int | None', { type: 'integer' }, false],
  ['Union[int, None]', { type: 'integer' }, false],
  ['"int"', { type: 'integer' }, true],
  ['Annotated[int, "a note"]', { type: 'integer' }, true],
  ['int = 3', { type: 'integer' }, false],
  [
    'Tuple[int, str]',
    { type: 'array', prefixItems: [{ type: 'integer' }, { type: 'string' }], minItems: 2, maxItems: 2 },
    true,
  ],
])('reads the type %s', async (annotation, schema, isRequired) => {
  const { body } = await create({ source_code: withParameter(annotation) });

  expect(body.json_schema?.parameters).toEqual({
    type: 'object',
    properties: { x: { ...schema, description: 'what' } },
    required: isRequired ? ['x'] : [],
  });
});

it('reads pydantic models, aliases, lists of models and their inheritance', async () => {
  const models = `from pydantic import BaseModel, Field
from typing import Literal, Optional
Kind = Literal["a", "b"]
class Named(BaseModel):
    name: str = Field(..., description="Its name")
class Step(Named):
    """One step."""
    kind: Kind
    count: Optional[int] = None
    tags: list[str] = Field(default_factory=list)
`;

  const { body } = await create({ source_code: withParameter('list[Step]', models) });

  expect(body.json_schema?.parameters.properties.x).toEqual({
    type: 'array',
    description: 'what',
    items: {
      type: 'object',
      description: 'One step.',
      properties: {
        name: { type: 'string', description: 'Its name' },
        kind: { type: 'string', enum: ['a', 'b'] },
        count: { type: 'integer' },
        tags: { type: 'array', items: { type: 'string' } },
      },
      required: ['name', 'kind'],
    },
  });
});

it('takes description, examples and every parameter from the docstring, and leaves out what the server fills in', async () => {
  const source_code = `async def f(self, a: int, agent_state, *, b: str = "x"):
    """
    Add things.

    At some length,
    over two lines.

    Args:
        a (int): the first
            of two
        b: the second: with a colon

    Returns:
        int: the sum

    Examples:
        f(1)
    """
`;

  const { body } = await create({ source_code });

  expect(body.json_schema).toEqual({
    name: 'f',
    description: 'Add things.\n\nAt some length,\nover two lines.\n\nExamples:\n    f(1)',
    parameters: {
      type: 'object',
      properties: {
        a: { type: 'integer', description: 'the first\nof two' },
        b: { type: 'string', description: 'the second: with a colon' },
      },
      required: ['a'],
    },
  });
});

it.each([
  ['no type', 'def f(x):\n' + doc('        x: what\n'), "Parameter 'x' in function 'f' lacks a type annotation"],
  ['no description', 'def f(x: int):\n    """Do it."""\n', "Parameter 'x' in function 'f' lacks a description in the docstring"],
  ['a union', withParameter('int | str'), 'General Union types are not yet supported'],
  ['an unknown type', withParameter('bytes'), "Python type 'bytes' has no corresponding JSON schema type"],
  ['a model of itself', withParameter('N', 'class N(BaseModel):\n    n: "N"\n'), 'refers to itself'],
  ['no function', 'x = 1\n', 'No functions found in source code'],
  ['brackets without end', '('.repeat(5_000), 'Failed to parse source code'],
  ['operators without end', '-'.repeat(200_000) + '1', 'Failed to parse source code'],
])('refuses a source with %s', async (_what, source_code, text) => {
  const answer = await create({ source_code });

  expect(answer.status).toBe(400);
  expect(answer.body.detail).toMatch(/^Failed to derive json schema: Schema generation failed: /);
  expect(answer.body.detail).toContain(text);
}); // prettier-ignore

it('takes the last function, and of two of one name the later', async () => {
  const source_code =
    withParameter('int') + withParameter('str').replace('def f', 'def g') + withParameter('bool');

  const { body } = await create({ source_code });

  expect(body.json_schema).toMatchObject({
    name: 'f',
    parameters: { properties: { x: { type: 'boolean' } } },
  });
});

it('reads nothing but the name where the arguments are described, and nothing at all where the schema is', async () => {
  const args_json_schema = { type: 'object', properties: { x: { type: 'integer' } }, required: ['x'] };
  const json_schema = { name: 'f', description: 'Own.', parameters: { type: 'object', properties: {} } };

  const described = await create({ source_code: 'def f(x):\n    """Do it."""\n', args_json_schema });
  const given = await create({ source_code: 'def f(x: bytes): pass', json_schema });

  expect(described.body.json_schema).toEqual({
    name: 'f',
    description: 'Do it.',
    parameters: args_json_schema,
  });
  expect(given.body.json_schema).toEqual(json_schema);
});

it('refuses a schema that names a function which the source does not define', async () => {
  const answer = await create({ source_code: 'def f(): pass', json_schema: { name: 'g' } });

  expect(answer.status).toBe(400);
  expect(answer.body.detail).toContain("Tool name mismatch: `json_schema` names 'g'");
});

it('a schema alone renames a tool, as in the original; a source that comes along has to agree', async () => {
  const { body: tool } = await create({
    source_code: withParameter('int').replace('def f', 'def before_it'),
  });
  const rename = (name: string, more: object = {}) =>
    api.call('PATCH', `/v1/tools/${tool.id}`, { json_schema: { ...tool.json_schema, name }, ...more });

  const renamed = await rename('behind_it');
  const refused = await rename('elsewhere', { source_code: tool.source_code });
  const both = await rename('beside_it', {
    source_code: withParameter('int').replace('def f', 'def beside_it'),
  });

  expect(renamed).toMatchObject({ status: 200, body: { name: 'behind_it', json_schema: { name: 'behind_it' }, source_code: tool.source_code } }); // prettier-ignore
  expect(refused).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining('Tool name mismatch') },
  });
  expect(both).toMatchObject({ status: 200, body: { name: 'beside_it' } });
});

it('never runs what it reads', async () => {
  const source_code = `raise SystemExit("it ran")\n${withParameter('int', 'import os; os._exit(1)\n')}`;

  expect((await create({ source_code })).body.json_schema?.name).toBe('f');
});

it('reads the schema anew when the source changes, and changes nothing when it can not', async () => {
  const { body: tool } = await create({ source_code: withParameter('int').replace('def f', 'def changing') });
  const source_code = withParameter('str').replace('def f', 'def changing');

  const changed = await api.call('PATCH', `/v1/tools/${tool.id}`, { source_code });
  const refused = await api.call('PATCH', `/v1/tools/${tool.id}`, { source_code: 'def changing(:' });

  expect(changed.body.json_schema.parameters.properties.x.type).toBe('string');
  expect(changed.body.metadata_.tool_hash).not.toBe(tool.metadata_.tool_hash);
  expect(refused.status).toBe(400);
  expect((await api.call('GET', `/v1/tools/${tool.id}`)).body).toEqual(changed.body);
});

it('reads a schema of 500 properties', async () => {
  const names = Array.from({ length: 500 }, (_, index) => `p${index}`);
  const source_code = `def wide(${names.map((name) => `${name}: int`).join(', ')}):\n${doc(names.map((name) => `        ${name}: it\n`).join(''))}`;

  const { body } = await create({ source_code });

  expect(Object.keys(body.json_schema.parameters.properties)).toEqual(names);
});

it('keeps whether a tool has a network', async () => {
  const { body: tool } = await create({ source_code: withParameter('int'), network: true });
  const { body: changed } = await api.call('PATCH', `/v1/tools/${tool.id}`, { network: false });

  expect([tool.network, changed.network]).toEqual([true, false]);
});

it.each([
  ['an option', { name: '--index-url=http://evil' }],
  ['an address', { name: 'x @ http://evil/x.whl' }],
  ['a version of several', { name: 'six', version: '1.0 --pre' }],
])('refuses a requirement that is %s', async (_what, requirement) => {
  const answer = await create({ source_code: withParameter('int'), pip_requirements: [requirement] });

  expect(answer.status).toBe(422);
});

it('refuses a source with a NUL byte', async () => {
  expect((await create({ source_code: 'def f():\0 pass' })).status).toBe(422);
  expect((await api.call('POST', '/v1/tools/run', { source_code: 'x\0', args: {} })).status).toBe(422);
});

it('tries a source without an agent and answers with a message of the original form', async () => {
  const { source_code } = request('tools.create.boom.json');

  const answer = await api.call('POST', '/v1/tools/run', { source_code, args: { x: 'y' }, env_vars: { KEY: 'v' } });

  const said = { tool_return: 'Error executing function boom: ValueError: bad y', status: 'error', stdout: ['x\n'], stderr: ['T'] };
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({
    id: expect.stringMatching(/^message-/), date: expect.any(String), name: 'boom', message_type: 'tool_return_message',
    otid: null, sender_id: null, step_id: null, is_err: null, seq_id: null, run_id: null,
    ...said, tool_call_id: expect.any(String), tool_returns: [{ type: 'tool', ...said, tool_call_id: answer.body.tool_call_id }],
  });
  expect(stored).toEqual([
    expect.objectContaining({ agent_id: null, tool_name: 'boom', args: { x: 'y' }, env: { KEY: 'v' }, effects: 'once' }),
  ]);
  const { id } = (stored[0] as { source: { id: string } }).source;
  expect((await api.call('GET', `/v1/tools/${id}`)).status).toBe(404);
}); // prettier-ignore

it.each([
  ['an SDK sends it again', [{}, { 'x-stainless-retry-count': '1' }], 1],
  ['it has the key of the one before', [{ 'idempotency-key': 'k1' }, { 'idempotency-key': 'k1' }], 1],
  ['it has another key', [{ 'idempotency-key': 'k2' }, { 'idempotency-key': 'k3' }], 2],
  ['it is the same again, on purpose', [{}, {}], 2],
])('a call by hand is made once or anew: %s', async (why, headers, calls) => {
  const { source_code } = request('tools.create.boom.json');
  const body = { source_code, args: { x: why } };

  const ids: unknown[] = [];
  for (const each of headers) {
    const answer = await api.call('POST', '/v1/tools/run', body, each as Record<string, string>);
    expect(answer).toMatchObject({ status: 200, body: { tool_return: expect.stringContaining('bad y') } });
    ids.push(answer.body.tool_call_id);
  }

  expect(stored).toHaveLength(calls);
  expect(new Set(ids).size).toBe(calls);
});

it.each([
  ['a name that the source lacks', { name: 'other' }, 400, "Function 'other' not found"],
  [
    'a name that the schema lacks',
    { name: 'other', json_schema: { name: 'boom' } },
    400,
    'Tool name mismatch',
  ],
  ['no arguments', { args: undefined }, 422, 'args'],
  ['a variable that is no text', { env_vars: { A: 1 } }, 422, 'env_vars'],
])('refuses to try a source with %s', async (_what, fields, status, text) => {
  const { source_code } = request('tools.create.boom.json');

  const answer = await api.call('POST', '/v1/tools/run', { source_code, args: {}, ...fields });

  expect(answer).toMatchObject({ status, body: { detail: expect.stringContaining(text) } });
  expect(stored).toEqual([]);
});
