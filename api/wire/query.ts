import { z } from 'zod';
import type { CustomIssueParams } from './pydantic-errors';

// What a query value can be: absent, one string, or several for a repeated key. An empty value counts as absent,
// because the SDKs send `before=` for null. For a repeated scalar the last value counts, as in the original.
const values = z.union([z.string(), z.array(z.string())]).optional();
const last = (input: string | readonly string[] | undefined): string | undefined =>
  (typeof input === 'object' ? input.at(-1) : input) || undefined;

const POSTGRES_INT_MAX = 2_147_483_647;
const TRUE = ['true', '1', 't', 'yes', 'y', 'on'];
const FALSE = ['false', '0', 'f', 'no', 'n', 'off'];

/** An optional text; undefined when it is absent or empty. */
export const queryText = () => values.transform(last);

/** An optional integer within bounds. */
export const queryInteger = ({ min = 1, max = POSTGRES_INT_MAX }: { min?: number; max?: number } = {}) =>
  values.transform(last).transform((text, context) => {
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^[+-]?\d+$/.test(text)) {
      return fail(
        context,
        'int_parsing',
        'Input should be a valid integer, unable to parse string as an integer',
      );
    }
    if (value < min)
      return fail(context, 'greater_than_equal', `Input should be greater than or equal to ${min}`);
    if (value > max) return fail(context, 'less_than_equal', `Input should be less than or equal to ${max}`);
    return value;
  });

/** An optional boolean in any of the spellings pydantic accepts. */
export const queryFlag = () =>
  values.transform(last).transform((text, context) => {
    const word = text?.toLowerCase();
    if (word === undefined) return undefined;
    if (TRUE.includes(word)) return true;
    if (FALSE.includes(word)) return false;
    return fail(context, 'bool_parsing', 'Input should be a valid boolean, unable to interpret input');
  });

/** An optional choice. */
export const queryChoice = <const C extends readonly [string, ...string[]]>(choices: C) =>
  values.transform(last).transform((text, context): C[number] | undefined => {
    if (text === undefined) return undefined;
    if (choices.includes(text)) return text;
    const listed = choices.map((choice) => `'${choice}'`);
    const expected = listed.length > 1 ? `${listed.slice(0, -1).join(', ')} or ${listed.at(-1)}` : listed[0];
    return fail(context, 'literal_error', `Input should be ${expected}`);
  });

/** The values of a repeated key; undefined when there are none. */
export const queryList = () =>
  values.transform((input) => {
    const items = (typeof input === 'string' ? [input] : (input ?? [])).filter((item) => item !== '');
    return items.length > 0 ? items : undefined;
  });

/** An optional point in time, ISO 8601. */
export const queryDate = () =>
  values.transform(last).transform((text, context) => {
    if (text === undefined) return undefined;
    const date = new Date(text);
    if (!Number.isNaN(date.getTime())) return date;
    return fail(
      context,
      'datetime_parsing',
      'Input should be a valid datetime, for example 2026-01-31T12:00:00Z',
    );
  });

function fail(context: z.RefinementCtx, pydanticType: string, message: string): never {
  const params: CustomIssueParams = { pydanticType };
  context.addIssue({ code: 'custom', message, params: { ...params } });
  return z.NEVER;
}
