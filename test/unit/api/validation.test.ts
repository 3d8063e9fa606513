import { z } from 'zod';
import { toWireError } from '../../../api/wire/errors';
import { pageFields } from '../../../api/wire/page';
import {
  queryChoice,
  queryDate,
  queryFlag,
  queryInteger,
  queryList,
  queryText,
} from '../../../api/wire/query';
import { parseBody, parseQuery, unprocessable } from '../../../api/wire/validation';
import { AppError } from '../../../domain/errors';
import { sampleBody } from '../../support/letta-samples';

function thrownBy(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
const detailOf = (schema: z.ZodType, body: unknown): string =>
  thrownBy(() => parseBody(schema, body)).message;

describe('parseBody', () => {
  const Either = z
    .object({ input: z.string().optional(), messages: z.array(z.object({ role: z.string() })).optional() })
    .superRefine(({ input, messages }, context) => {
      if (!input && !messages) context.addIssue("Must specify either 'input' or 'messages'.");
    });

  it.each([
    ['err.messages.create.422_missing.json', Either, {}],
    ['err.bad_json.json', Either, undefined],
  ])('answers %s as the original does', (sample, schema, body) => {
    const wire = toWireError(thrownBy(() => parseBody(schema, body)));

    expect(wire.status).toBe(422);
    expect(wire.body).toEqual(sampleBody(sample));
  });

  const choice = "'msg': \"Input should be 'a' or 'b'\", 'input': 'c', 'ctx': {'expected': \"'a' or 'b'\"}";
  // prettier-ignore
  it.each<[string, z.ZodType, unknown, string]>([
    ['a missing field', z.object({ a: z.string() }), { b: 1 }, "'type': 'missing', 'loc': ('body', 'a'), 'msg': 'Field required', 'input': {'b': 1}"],
    ['a wrong string', z.object({ a: z.string() }), { a: 1 }, "'type': 'string_type', 'loc': ('body', 'a'), 'msg': 'Input should be a valid string', 'input': 1"],
    ['a null', z.object({ a: z.string() }), { a: null }, "'type': 'string_type', 'loc': ('body', 'a'), 'msg': 'Input should be a valid string', 'input': None"],
    ['text for a number', z.object({ a: z.number() }), { a: 'x' }, "'type': 'float_parsing', 'loc': ('body', 'a')"],
    ['a fraction for an integer', z.object({ a: z.int() }), { a: 1.5 }, "'type': 'int_from_float', 'loc': ('body', 'a')"],
    ['a list for a number', z.object({ a: z.number() }), { a: [] }, "'type': 'float_type', 'loc': ('body', 'a')"],
    ['a wrong boolean', z.object({ a: z.boolean() }), { a: 'x' }, "'type': 'bool_type', 'loc': ('body', 'a')"],
    ['an object for a list', z.object({ a: z.array(z.string()) }), { a: {} }, "'type': 'list_type', 'loc': ('body', 'a'), 'msg': 'Input should be a valid list', 'input': {}"],
    ['an item of a list', z.object({ a: z.array(z.string()) }), { a: ['x', 2] }, "'type': 'string_type', 'loc': ('body', 'a', 1)"],
    ['a text for a record', z.object({ a: z.record(z.string(), z.string()) }), { a: 'x' }, "'type': 'dict_type', 'loc': ('body', 'a')"],
    ['a list for the body', z.object({}), [], "'type': 'model_attributes_type', 'loc': ('body',)"],
    ['a wrong choice', z.object({ a: z.enum(['a', 'b']) }), { a: 'c' }, `'type': 'literal_error', 'loc': ('body', 'a'), ${choice}`],
    ['a small number', z.object({ a: z.int().min(1) }), { a: 0 }, "'type': 'greater_than_equal', 'loc': ('body', 'a'), 'msg': 'Input should be greater than or equal to 1', 'input': 0, 'ctx': {'ge': 1}"],
    ['a long text', z.object({ a: z.string().max(2) }), { a: 'abc' }, "'type': 'string_too_long', 'loc': ('body', 'a'), 'msg': 'String should have at most 2 characters', 'input': 'abc', 'ctx': {'max_length': 2}"],
    ['an empty list', z.object({ a: z.array(z.string()).min(1) }), { a: [] }, "'type': 'too_short', 'loc': ('body', 'a')"],
    ['a wrong tag', z.object({ a: z.discriminatedUnion('type', [z.object({ type: z.literal('x') })]) }), { a: { type: 'y' } }, "'type': 'union_tag_invalid', 'loc': ('body', 'a', 'type')"],
    ['every option of a union', z.object({ a: z.union([z.string(), z.boolean()]) }), { a: 1 }, "'type': 'bool_type', 'loc': ('body', 'a')"],
  ])('describes %s in pydantic terms', (_title, schema, body, expected) => {
    expect(detailOf(schema, body)).toContain(expected);
  });

  it('does not repeat a large input to its sender', () => {
    const schema = z.object({ a: z.int() });

    expect(detailOf(schema, { a: 'x'.repeat(1_000_000) }).length).toBeLessThan(3_000);
  });
});

describe('parseQuery', () => {
  const Query = z.object({
    ...pageFields({ limit: 50, order: 'desc', maxLimit: 1000 }),
    active: queryFlag(),
    kind: queryChoice(['a', 'b']),
    since: queryDate(),
    tags: queryList(),
    text: queryText(),
    depth: queryInteger({ min: 0 }),
  });

  it('fills in the defaults of the list', () => {
    expect(parseQuery(Query, {})).toEqual({ limit: 50, order: 'desc' });
  });

  it('reads strings as what they mean; empty ones, which SDKs send for null, are absent', () => {
    const query = { limit: '7', order: 'asc', active: 'True', tags: 'x', text: '', before: '', depth: '0' };

    expect(parseQuery(Query, query)).toMatchObject({
      limit: 7,
      order: 'asc',
      active: true,
      tags: ['x'],
      text: undefined,
      before: undefined,
      depth: 0,
    });
  });

  it('takes the last value of a repeated scalar and every value of a list', () => {
    expect(parseQuery(Query, { limit: ['7', '8'], tags: ['x', 'y'] })).toMatchObject({
      limit: 8,
      tags: ['x', 'y'],
    });
  });

  it.each([
    [{ limit: 'ten' }, 'int_parsing'],
    [{ limit: '1.5' }, 'int_parsing'],
    [{ limit: '0' }, 'greater_than_equal'],
    [{ limit: '-3' }, 'greater_than_equal'],
    [{ limit: '1001' }, 'less_than_equal'],
    [{ depth: '99999999999' }, 'less_than_equal'],
    [{ order: 'sideways' }, 'literal_error'],
    [{ active: 'maybe' }, 'bool_parsing'],
    [{ since: 'yesterday' }, 'datetime_parsing'],
  ])('refuses %j as %s', (query, type) => {
    const error = thrownBy(() => parseQuery(Query, query));

    expect(error.code).toBe('VALIDATION');
    expect(error.message).toContain(`'type': '${type}', 'loc': ('query', '${Object.keys(query)[0]}')`);
  });
});

it('answers a rule outside of the schemas with its sentence alone', () => {
  const wire = toWireError(unprocessable('Messages must not be empty'));

  expect(wire).toMatchObject({ status: 422, body: sampleBody('err.messages.create.empty.json') });
});
