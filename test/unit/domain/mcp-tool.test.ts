import { mcpToolNames, readMcpTool } from '../../../domain/mcp-tool';

const declared = (fields: object = {}) => ({ name: 'go', inputSchema: { type: 'object' }, ...fields });
const effectsOf = (annotations: object) => readMcpTool(declared({ annotations }))?.effects;

it.each([
  [{}, 'once'],
  [{ destructiveHint: false }, 'once'],
  [{ readOnlyHint: true }, 'read'],
  [{ readOnlyHint: true, idempotentHint: false }, 'read'],
  [{ idempotentHint: true }, 'idempotent'],
  [{ idempotentHint: false, readOnlyHint: false }, 'once'],
])('hints %j make a tool %s', (hints, effects) => {
  expect(effectsOf(hints)).toBe(effects);
});

it('completes a schema and keeps the declaration as it was', () => {
  const entry = declared({ inputSchema: { $schema: 'x', $defs: { a: {} } }, title: 'Go!' });

  expect(readMcpTool(entry)).toEqual({
    name: 'go',
    description: '',
    parameters: { type: 'object', properties: {}, required: [], $defs: { a: {} } },
    effects: 'once',
    declared: entry,
  });
});

it.each([
  [null],
  ['go'],
  [{ name: 'go' }],
  [declared({ name: '' })],
  [declared({ inputSchema: { type: 'string' } })],
  [declared({ inputSchema: { properties: { x: { description: 'x'.repeat(100_000) } } } })],
])('an entry that no model could be offered is left out', (entry) => {
  expect(readMcpTool(entry)).toBeNull();
});

it('takes a schema of 500 properties', () => {
  const names = Array.from({ length: 500 }, (_, index) => `p${index}`);
  const properties = Object.fromEntries(names.map((name) => [name, { type: 'string', description: 'it' }]));

  expect(readMcpTool(declared({ inputSchema: { type: 'object', properties } }))?.parameters).toMatchObject({
    properties,
  });
});

it('cuts a description that would fill every prompt', () => {
  expect(readMcpTool(declared({ description: 'x'.repeat(20_000) }))?.description).toHaveLength(10_000);
});

it('offers names that models accept, all different', () => {
  const names = mcpToolNames('My server', 'files/read it'.padEnd(60, 'x'));

  expect(names.slice(0, 2)).toEqual([
    'files_read_itxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    'My_server_files_read_itxxxxxxxxxxxxxxxxxxxxxxxxx',
  ]);
  expect(new Set(names).size).toBe(names.length);
  expect(names.every((name) => /^[A-Za-z0-9_-]{1,48}$/.test(name))).toBe(true);
});
