import { z } from 'zod';
import type { CustomIssueParams } from './pydantic-errors';

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)\s?(Z|[+-]\d{2}:?\d{2})?)?$/i;

/** A moment in ISO 8601 from the years 1 to 9999, in UTC where it names no zone; undefined for anything else. */
export function readMoment(text: string): Date | undefined {
  const [, day, time = '00:00', zone = 'Z'] = ISO.exec(text.trim()) ?? [];
  if (day === undefined) return undefined;
  const hasColon = zone.includes(':') || zone.toUpperCase() === 'Z';
  const date = new Date(`${day}T${time}${hasColon ? zone : `${zone.slice(0, 3)}:${zone.slice(3)}`}`);
  const isRealDay = new Date(`${day}T00:00Z`).getUTCDate() === Number(day.slice(8));
  const year = date.getUTCFullYear();
  return isRealDay && year >= 1 && year <= 9999 ? date : undefined;
}

/** A moment in a JSON body. */
export const bodyDate = () => z.string().transform(parse);

/** An optional moment in a query; a blank one counts as absent. */
export const queryMoment = () =>
  z
    .union([z.string(), z.array(z.string())])
    .optional()
    .transform((input, context) => {
      const text = typeof input === 'object' ? input.at(-1) : input;
      // A plus sign that was not escaped arrives as a space.
      return text ? parse(text.replace(/ (\d{2}:?\d{2})$/, '+$1'), context) : undefined;
    });

function parse(text: string, context: z.RefinementCtx): Date {
  const date = readMoment(text);
  if (date) return date;
  const params: CustomIssueParams = { pydanticType: 'datetime_from_date_parsing' };
  context.addIssue({
    code: 'custom',
    message: 'Input should be a valid datetime or date, for example 2026-01-31T12:00:00Z',
    params: { ...params },
  });
  return z.NEVER;
}
