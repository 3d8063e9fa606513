import { AppError } from '../../../../domain/errors';
import type { ToolSource } from '../../../../domain/source-tool';
import { deriveTypeScriptSchema } from '../../../../tools/typescript/derive-schema';

const derive = (sourceCode: string, facts: Partial<ToolSource> = {}) =>
  deriveTypeScriptSchema({ sourceCode, sourceType: 'typescript', name: null, parameters: null, ...facts });
const problemOf = async (sourceCode: string, facts: Partial<ToolSource> = {}): Promise<string> => {
  const error: unknown = await derive(sourceCode, facts).catch((thrown: unknown) => thrown);
  if (!(error instanceof AppError)) throw new Error(`no AppError: ${String(error)}`);
  expect(error.code).toBe('INVALID_ARGUMENT');
  const [prefix, reason] = error.message.split('Schema generation failed: ');
  expect(prefix).toBe('Failed to derive json schema: ');
  return reason ?? '';
};
/** The schema of one documented parameter of the given type, its description left out. */
const typeOf = async (type: string, declarations = '') => {
  const schema = await derive(`${declarations}
    /** Does it.
     * @param x - the x
     */
    export function f(x: ${type}) { return x; }`);
  const { properties, required } = schema.parameters as {
    properties: { x: { description: string } };
    required: string[];
  };
  const { description, ...x } = properties.x;
  expect(description).toBe('the x');
  return { ...x, isRequired: required.includes('x') };
};

it('reads name, description and parameters of an exported function', async () => {
  const schema = await derive(`
    import { randomInt } from 'node:crypto';
    const most = 100;
    /**
     * Rolls dice.
     * The sum is not told.
     *
     * @param sides - How many sides a die has.
     * @param {integer} times - How often it is thrown.
     * @param label A name for the throw.
     * @returns the numbers
     * @example rollDice(6, 2)
     */
    export async function rollDice(sides: number, times: number = 1, label?: string): Promise<number[]> {
      return Array.from({ length: times }, () => randomInt(Math.min(sides, most)));
    }`);

  expect(schema).toEqual({
    name: 'rollDice',
    description: 'Rolls dice.\nThe sum is not told.\n\nExamples:\nrollDice(6, 2)',
    parameters: {
      type: 'object',
      properties: {
        sides: { type: 'number', description: 'How many sides a die has.' },
        times: { type: 'integer', description: 'How often it is thrown.' },
        label: { type: 'string', description: 'A name for the throw.' },
      },
      required: ['sides'],
    },
  });
});

it.each([
  ['an arrow function', 'export const f = async (a: string) => a;'],
  ['a function expression', 'export const f = function (a: string) { return a; };'],
  ['a default export', 'export default function f(a: string) { return a; }'],
])('reads %s', async (_, code) => {
  await expect(derive(`/** Does it.\n * @param a - text */\n${code}`)).resolves.toMatchObject({
    name: 'f',
    description: 'Does it.',
    parameters: { properties: { a: { type: 'string', description: 'text' } }, required: ['a'] },
  });
});

it('reads functions that an export list names, under the name they get there', async () => {
  const code = `/** Does it. */ function inner() { return 1; }\nexport { inner as outer };`;

  await expect(derive(code)).resolves.toMatchObject({ name: 'outer', description: 'Does it.' });
});

it('takes the last exported function, or the one that is named', async () => {
  const code = `/** One. */ export function a() {}\n/** Two. */ export function b() {}\n/** Three. */ function c() {}`;

  await expect(derive(code)).resolves.toMatchObject({ name: 'b', description: 'Two.' });
  await expect(derive(code, { name: 'a' })).resolves.toMatchObject({ name: 'a', description: 'One.' });
  await expect(problemOf(code, { name: 'c' })).resolves.toBe(
    "Function 'c' is not exported by the source code, which exports a, b",
  );
});

it.each([
  ['string', { type: 'string' }],
  ['boolean', { type: 'boolean' }],
  ['number', { type: 'number' }],
  ['integer', { type: 'integer' }],
  ['string[]', { type: 'array', items: { type: 'string' } }],
  ['ReadonlyArray<number>', { type: 'array', items: { type: 'number' } }],
  ['readonly boolean[][]', { type: 'array', items: { type: 'array', items: { type: 'boolean' } } }],
  ['object', { type: 'object' }],
  ['Record<string, number>', { type: 'object', additionalProperties: { type: 'number' } }],
  ['Record<string, unknown>', { type: 'object' }],
  ['"a" | "b"', { type: 'string', enum: ['a', 'b'] }],
  ['1 | 2 | -3', { type: 'integer', enum: [1, 2, -3] }],
  ['true | false', { type: 'boolean' }],
  ['(("a"))', { type: 'string', enum: ['a'] }],
  [
    '{ /** The a. */ a: string; b?: number }',
    {
      type: 'object',
      properties: { a: { type: 'string', description: 'The a.' }, b: { type: 'number' } },
      required: ['a'],
    },
  ],
])('turns the type %s into a schema', async (type, schema) => {
  await expect(typeOf(type)).resolves.toEqual({ ...schema, isRequired: true });
});

it.each(['string | undefined', 'string | null', 'null | string'])('does not require %s', async (type) => {
  await expect(typeOf(type)).resolves.toEqual({ type: 'string', isRequired: false });
});

it('follows interfaces, aliases and enums of the same file', async () => {
  const declarations = `
    enum Color { Red = 'red', Blue = 'blue' }
    enum Level { Low, High }
    type Unit = 'm' | 'km';
    interface Named { name: string }
    interface Car extends Named { color: Color; level: Level; unit: Unit | 'mi' }`;

  await expect(typeOf('Car & { seats?: number }', declarations)).resolves.toEqual({
    type: 'object',
    properties: {
      name: { type: 'string' },
      color: { type: 'string', enum: ['red', 'blue'] },
      level: { type: 'integer', enum: [0, 1] },
      unit: { type: 'string', enum: ['m', 'km', 'mi'] },
      seats: { type: 'number' },
    },
    required: ['name', 'color', 'level', 'unit'],
    isRequired: true,
  });
});

it('takes the properties of a single object that the function takes apart as its parameters', async () => {
  const schema = await derive(`
    interface Place { city: string; /** Days ahead. */ days?: number; unit?: 'C' | 'F' }
    /**
     * Tells the weather.
     * @param place.city - The city.
     * @param place.unit - The unit.
     */
    export const weather = async ({ city, days = 1, unit }: Place) => city + days + unit;`);

  expect(schema.parameters).toEqual({
    type: 'object',
    properties: {
      city: { type: 'string', description: 'The city.' },
      days: { type: 'number', description: 'Days ahead.' },
      unit: { type: 'string', enum: ['C', 'F'], description: 'The unit.' },
    },
    required: ['city'],
  });
});

it('takes the types of JavaScript from its JSDoc', async () => {
  const code = `
    /**
     * Adds.
     * @param {integer} a - first
     * @param {number[]} b - others
     * @param {string} [unit] - its unit
     */
    export function add(a, b, unit = 'm') { return a; }`;
  const schema = await derive(code, { sourceType: 'javascript' });

  expect(schema.parameters).toEqual({
    type: 'object',
    properties: {
      a: { type: 'integer', description: 'first' },
      b: { type: 'array', items: { type: 'number' }, description: 'others' },
      unit: { type: 'string', description: 'its unit' },
    },
    required: ['a', 'b'],
  });
  await expect(derive(code)).resolves.toEqual(schema);
});

it('counts parameters that are given, so that only name and description are read', async () => {
  const parameters = { type: 'object', properties: { a: { type: 'string' } } };

  await expect(derive('/** Does it. */ export function f(a) {}', { parameters })).resolves.toEqual({
    name: 'f',
    description: 'Does it.',
    parameters,
  });
});

describe('a source that is no tool', () => {
  const documented = (signature: string, doc = ' * @param a - text') =>
    `/** Does it.\n${doc} */\nexport ${signature}`;

  it.each([
    [
      'function f(a: string) {}',
      'No exported function found in source code. Write the tool as `export function name(...)`',
    ],
    [
      'export function f(a: string) {}',
      'Function f missing docstring: describe it in a /** ... */ comment before it',
    ],
    [documented('function f(a) {}'), "Parameter 'a' in function 'f' lacks a type annotation"],
    [
      documented('function f(a: string) {}', ''),
      "Parameter 'a' in function 'f' lacks a description in the docstring: add `@param a - what it means`",
    ],
    [
      documented('function f(a: Date) {}'),
      "Parameter 'a' in function 'f': type 'Date' is not supported (use string, number, boolean, arrays, object types, " +
        'Record<string, T>, enums and unions of literals)',
    ],
    ['\n\nexport function f(a: string {}', "Failed to parse source code: ',' expected (line 3)"],
    [
      `${documented('function f(a: string) {}')}\n${documented('function f(a: number) {}')}`,
      "Function 'f' is defined twice (line 6)",
    ],
    [
      documented('function f(...a: string[]) {}'),
      "Parameter '...a' takes any number of values. Make it one array instead",
    ],
    [
      documented('function f([a]: string[]) {}'),
      "Parameter '[a]' has no name of its own. Only a single parameter may be taken apart, with {...}",
    ],
    [
      `interface Tree { children: Tree[] }\n${documented('function f(a: Tree) {}')}`,
      "Parameter 'a' in function 'f': type 'Tree' contains itself, which is not supported",
    ],
  ])('is refused with the reason (%#)', async (code, problem) => {
    await expect(problemOf(code)).resolves.toBe(problem);
  });

  it.each(['any', 'unknown', 'string | number', '[string, number]', 'null', '() => void', 'bigint', 'T'])(
    'is refused for the type %s',
    async (type) => {
      await expect(problemOf(documented(`function f(a: ${type}) {}`))).resolves.toMatch(
        /^Parameter 'a' in function 'f': type '.*' (is not supported|has no values)/,
      );
    },
  );

  it('is refused when JavaScript has the syntax of types', async () => {
    await expect(
      problemOf(documented('function f(a: string) {}'), { sourceType: 'javascript' }),
    ).resolves.toBe(
      'Failed to parse source code: Type annotations can only be used in TypeScript files (line 3)',
    );
  });

  it('is refused when it is nested without end', async () => {
    const nested = `export const f = ${'['.repeat(60_000)}${']'.repeat(60_000)};`;

    await expect(problemOf(nested)).resolves.toBe('Failed to parse source code: it is nested too deeply');
  });
});

it('reads a schema of 500 properties', async () => {
  const names = Array.from({ length: 500 }, (_, index) => `p${index}`);
  const doc = names.map((name) => ` * @param ${name} - it\n`).join('');
  const code = `/** Does it.\n${doc} */\nexport function f(${names.map((name) => `${name}: number`).join(', ')}) {}`;

  const { parameters } = await derive(code);

  expect(Object.keys((parameters as { properties: object }).properties)).toEqual(names);
});

it('takes the body of a function that is overloaded', async () => {
  const code =
    'export function f(a: string): void;\nexport function f(a: number): void;\n' +
    '/** Does it.\n * @param a - what\n */\nexport function f(a: number): void {}';

  expect(await derive(code)).toMatchObject({ parameters: { properties: { a: { type: 'number' } } } });
});

it('runs nothing of the source', async () => {
  await derive(`globalThis.everturnTouched = true;\n/** Does it. */ export function f() { }`);

  expect('everturnTouched' in globalThis).toBe(false);
});
