import type { z } from 'zod';
import { pythonExpression, pythonTuple, toPythonRepr } from '../../domain/python-repr';

/** One validation error in pydantic's terms: what Letta's clients read in the `detail` of a 422. */
export interface PydanticError {
  readonly type: string;
  readonly loc: readonly (string | number)[];
  readonly msg: string;
  readonly input: unknown;
  readonly ctx?: Readonly<Record<string, unknown>>;
}

type Issue = z.core.$ZodIssue;
type Verdict = Pick<PydanticError, 'type' | 'msg' | 'ctx'>;

/** What a check of ours reports through a zod `custom` issue when pydantic has a type of its own for it. */
export interface CustomIssueParams {
  readonly pydanticType?: string;
}

/** Where the checked value came from; pydantic puts it in front of every location. */
export type InputSource = 'body' | 'query';

/** The errors pydantic would list for these zod issues of `input`. Best effort: types and locations match, texts may differ. */
export function toPydanticErrors(
  issues: readonly Issue[],
  source: InputSource,
  input: unknown,
): PydanticError[] {
  return issues.flatMap((issue) => fromIssue(issue, [source], input));
}

function fromIssue(issue: Issue, parents: readonly (string | number)[], root: unknown): PydanticError[] {
  const path = issue.path.map((key) => (typeof key === 'number' ? key : String(key)));
  const loc = [...parents, ...path];
  const input = valueAt(root, path);
  if (input === undefined) {
    const parent = valueAt(root, path.slice(0, -1));
    return [{ type: 'missing', loc, msg: 'Field required', input: parent ?? null }];
  }
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    return unique(issue.errors.flat().flatMap((inner) => fromIssue(inner, loc, input)));
  }
  return [{ ...verdictOf(issue, input), loc, input }];
}

function verdictOf(issue: Issue, input: unknown): Verdict {
  switch (issue.code) {
    case 'invalid_type':
      return wrongType(issue.expected, input);
    case 'invalid_value':
      return wrongChoice(issue.values.map((value) => toPythonRepr(value)));
    case 'too_small':
      return outOfBounds(issue.origin, issue.minimum, input, issue.inclusive === false ? 'above' : 'least');
    case 'too_big':
      return outOfBounds(issue.origin, issue.maximum, input, issue.inclusive === false ? 'below' : 'most');
    case 'invalid_format':
      return wrongFormat(issue.format, issue.pattern, issue.message);
    case 'invalid_union':
      return wrongTag(issue.discriminator, 'options' in issue ? (issue.options ?? []) : [], input);
    case 'unrecognized_keys':
      return { type: 'extra_forbidden', msg: `Extra inputs are not permitted: ${issue.keys.join(', ')}` };
    default:
      return customVerdict(issue);
  }
}

const TYPE_TEXT: Readonly<Record<string, readonly [type: string, msg: string]>> = {
  string: ['string_type', 'Input should be a valid string'],
  boolean: ['bool_type', 'Input should be a valid boolean'],
  array: ['list_type', 'Input should be a valid list'],
  record: ['dict_type', 'Input should be a valid dictionary'],
  object: ['model_attributes_type', 'Input should be a valid dictionary or object to extract fields from'],
  null: ['none_required', 'Input should be None'],
};

function wrongType(expected: string, input: unknown): Verdict {
  if (expected === 'int' || expected === 'number') return wrongNumber(expected, input);
  const [type, msg] = TYPE_TEXT[expected] ?? ['value_error', `Input should be a valid ${expected}`];
  return { type, msg };
}

function wrongNumber(expected: 'int' | 'number', input: unknown): Verdict {
  const [short, noun] = expected === 'int' ? ['int', 'integer'] : ['float', 'number'];
  if (typeof input === 'string') {
    const msg = `Input should be a valid ${noun}, unable to parse string as ${expected === 'int' ? 'an' : 'a'} ${noun}`;
    return { type: `${short}_parsing`, msg };
  }
  if (expected === 'int' && typeof input === 'number') {
    return {
      type: 'int_from_float',
      msg: 'Input should be a valid integer, got a number with a fractional part',
    };
  }
  return { type: `${short}_type`, msg: `Input should be a valid ${noun}` };
}

function wrongChoice(choices: readonly string[]): Verdict {
  const expected =
    choices.length > 1 ? `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}` : choices.join('');
  return { type: 'literal_error', msg: `Input should be ${expected}`, ctx: { expected } };
}

// prettier-ignore
const BOUND_TEXT = {
  least: { number: ['greater_than_equal', 'greater than or equal to', 'ge'], sized: ['too_short', 'at least', 'min_length'] },
  above: { number: ['greater_than', 'greater than', 'gt'], sized: ['too_short', 'more than', 'min_length'] },
  most: { number: ['less_than_equal', 'less than or equal to', 'le'], sized: ['too_long', 'at most', 'max_length'] },
  below: { number: ['less_than', 'less than', 'lt'], sized: ['too_long', 'less than', 'max_length'] },
} as const;

function outOfBounds(
  origin: string,
  bound: number | bigint,
  input: unknown,
  side: keyof typeof BOUND_TEXT,
): Verdict {
  const limit = Number(bound);
  if (origin === 'string' || origin === 'array') {
    const [type, words, key] = BOUND_TEXT[side].sized;
    const [prefix, noun] = origin === 'string' ? ['string_', 'String'] : ['', 'List'];
    const [unit, length] = origin === 'string' ? ['characters', 0] : ['items', (input as unknown[]).length]; // zod checked it
    const found = origin === 'string' ? '' : ` after validation, not ${length}`;
    return {
      type: prefix + type,
      msg: `${noun} should have ${words} ${limit} ${unit}${found}`,
      ctx: { [key]: limit },
    };
  }
  const [type, words, key] = BOUND_TEXT[side].number;
  return { type, msg: `Input should be ${words} ${limit}`, ctx: { [key]: limit } };
}

function wrongFormat(format: string, pattern: string | undefined, message: string): Verdict {
  if (format !== 'regex' || pattern === undefined) return valueError(message);
  const source = pattern.replace(/^\/(.*)\/[a-z]*$/s, '$1');
  return {
    type: 'string_pattern_mismatch',
    msg: `String should match pattern '${source}'`,
    ctx: { pattern: source },
  };
}

function wrongTag(discriminator: string | undefined, options: readonly unknown[], input: unknown): Verdict {
  const name = toPythonRepr(discriminator ?? 'type');
  const expected = options.map((option) => toPythonRepr(option)).join(', ');
  const msg = `Input tag ${toPythonRepr(input)} found using ${name} does not match any of the expected tags: ${expected}`;
  return {
    type: 'union_tag_invalid',
    msg,
    ctx: { discriminator: name, tag: input, expected_tags: expected },
  };
}

function customVerdict(issue: Issue): Verdict {
  const params: CustomIssueParams = issue.code === 'custom' ? (issue.params ?? {}) : {};
  if (params.pydanticType) return { type: params.pydanticType, msg: issue.message };
  return valueError(issue.message);
}

const valueError = (message: string): Verdict => ({
  type: 'value_error',
  msg: `Value error, ${message}`,
  ctx: { error: pythonExpression(`ValueError(${toPythonRepr(message)})`) },
});

// An error must not repeat a body of megabytes to its sender.
const MAX_INPUT_REPR = 2_000;

/** The list as Python prints it: the `detail` string of Letta's 422 answers. */
export const pydanticErrorsRepr = (errors: readonly PydanticError[]): string =>
  `[${errors.map(errorRepr).join(', ')}]`;

function errorRepr({ type, loc, msg, input, ctx }: PydanticError): string {
  const shown = toPythonRepr(input);
  const cut = shown.length > MAX_INPUT_REPR ? `${shown.slice(0, MAX_INPUT_REPR)}...` : shown;
  return toPythonRepr({ type, loc: pythonTuple(...loc), msg, input: pythonExpression(cut), ctx });
}

function valueAt(root: unknown, path: readonly (string | number)[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<string | number, unknown>)[key]; // hasOwn has just checked the key
  }
  return value;
}

function unique(errors: readonly PydanticError[]): PydanticError[] {
  const seen = new Map(errors.map((error) => [`${error.loc.join('/')} ${error.msg}`, error]));
  return [...seen.values()];
}
