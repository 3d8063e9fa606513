import { z } from 'zod';
import { idPattern, type IdPrefix } from '../../domain/ids';
import type { CustomIssueParams } from './pydantic-errors';
import { queryList } from './query';

/** A whole number that a Postgres `integer` column can hold. */
export const int32 = z.int32();

/** An optional list of ids of one kind. */
export const idsOf = (prefix: IdPrefix) => z.array(z.string().regex(new RegExp(idPattern(prefix)))).nullish();
// What pydantic accepts of JSON beside numbers and booleans themselves: clients in untyped languages send such.
const BOOLEANS = new Map<unknown, boolean>(
  [
    ['true', 't', 'yes', 'y', 'on', '1', 1],
    ['false', 'f', 'no', 'n', 'off', '0', 0],
  ].flatMap((words, at) => words.map((word) => [word, at === 0] as const)),
);

/** A boolean, or a word for one. */
export const laxBoolean = z.preprocess(
  (value) => BOOLEANS.get(typeof value === 'string' ? value.toLowerCase() : value) ?? value,
  z.boolean(),
);

/** A whole number, or its digits in a text. */
export const laxInteger = (min = -(2 ** 31)) =>
  z.preprocess(
    (value) => (typeof value === 'string' && /^\s*[+-]?\d{1,10}\s*$/.test(value) ? Number(value) : value),
    int32.min(min),
  );

/** Any JSON object. What is inside is the client's own. */
export const jsonObject = z.record(z.string(), z.unknown());

type WithoutNulls<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** `fields` without those that are null or absent: for updates where null means "leave it alone". */
export const withoutNulls = <T extends object>(fields: T): WithoutNulls<T> =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  ) as WithoutNulls<T>;

/** A query field that takes several of `choices`, repeated or comma-separated. */
export const queryChoices = <const C extends string>(choices: readonly C[]) =>
  queryList().transform((items, context): readonly C[] | undefined => {
    const asked = items?.flatMap((item) => item.split(','));
    const known = asked?.filter((item): item is C => choices.some((choice) => choice === item));
    if (known?.length === asked?.length) return known;
    const message = `Input should be one of ${choices.map((choice) => `'${choice}'`).join(', ')}`;
    const params: CustomIssueParams = { pydanticType: 'literal_error' };
    context.addIssue({ code: 'custom', message, params: { ...params } });
    return z.NEVER;
  });

/** A query field that takes several whole numbers from 0 on. */
export const queryCounts = () =>
  queryList().transform((items, context) => {
    if (!items || items.every((item) => /^\d{1,9}$/.test(item))) return items?.map(Number);
    const params: CustomIssueParams = { pydanticType: 'int_parsing' };
    context.addIssue({
      code: 'custom',
      message: 'Input should be valid integers of at most 9 digits',
      params: { ...params },
    });
    return z.NEVER;
  });
