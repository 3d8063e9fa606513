import type { z } from 'zod';
import { AppError } from '../../domain/errors';
import {
  type InputSource,
  type PydanticError,
  pydanticErrorsRepr,
  toPydanticErrors,
} from './pydantic-errors';

/** The body as `schema` understands it, or `VALIDATION` (422) with the error list Letta's clients know. */
export const parseBody = <T extends z.ZodType>(schema: T, body: unknown): z.output<T> =>
  parse(schema, body, 'body');

/** The query as `schema` understands it, or `VALIDATION` (422). Build the fields from `api/wire/query.ts`. */
export const parseQuery = <T extends z.ZodType>(schema: T, query: unknown): z.output<T> =>
  parse(schema, query, 'query');

function parse<T extends z.ZodType>(schema: T, input: unknown, source: InputSource): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw invalid(toPydanticErrors(result.error.issues, source, input));
}

/** A 422 with pydantic's error list; `examples` are values that would have been accepted. */
export const invalid = (errors: readonly PydanticError[], examples?: readonly string[]): AppError =>
  new AppError('VALIDATION', pydanticErrorsRepr(errors), { facts: { examples } });

/** A 422 whose `detail` is this sentence alone, for rules Letta checks outside of its schemas. */
export const unprocessable = (message: string): AppError =>
  new AppError('VALIDATION', message, { facts: { plain: true } });
