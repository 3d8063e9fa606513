import { z } from 'zod';

/** A whole number that a Postgres `integer` column can hold. */
export const int32 = z.int32();

/** Any JSON object. What is inside is the client's own. */
export const jsonObject = z.record(z.string(), z.unknown());

type WithoutNulls<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** `fields` without those that are null or absent: for updates where null means "leave it alone". */
export const withoutNulls = <T extends object>(fields: T): WithoutNulls<T> =>
  Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  ) as WithoutNulls<T>;
