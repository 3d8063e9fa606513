import type { ToolArguments } from '../domain/tool-arguments';
import { toolError } from '../domain/tool-failure';
import { optionalText } from './handler';

/** From a day's first millisecond to its last. */
export const END_OF_DAY_MS = 86_400_000 - 1;
const DATE = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?)(Z|[+-]\d{2}:\d{2})?)?$/;

/** A moment in time; a date without a time is its first millisecond plus `dayOffsetMs`, and no zone means UTC. */
export function readDate(args: ToolArguments, name: string, dayOffsetMs: number): Date | null {
  const text = optionalText(args, name)?.trim();
  if (text === undefined) return null;
  const [, day = '', time, zone = 'Z'] = DATE.exec(text) ?? [];
  const date = new Date(`${day}T${time ?? '00:00'}${zone}`);
  const isRealDay = new Date(`${day}T00:00Z`).getUTCDate() === Number(day.slice(8));
  if (Number.isNaN(date.getTime()) || !isRealDay) {
    throw toolError(
      'ValueError',
      `${name} "${text}" is not a date. Write it like 2026-03-01 or 2026-03-01T14:30, in UTC or with an offset such as +02:00.`,
    );
  }
  return time === undefined ? new Date(date.getTime() + dayOffsetMs) : date;
}
