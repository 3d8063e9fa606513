import type { RequestHandler } from 'express';
import { isStorable } from '../../db/json';
import type { PydanticError } from '../wire/pydantic-errors';
import { invalid } from '../wire/validation';

/** Deeper JSON is refused: it serves nobody, and code that walks it recursively would run out of stack. */
export const MAX_JSON_DEPTH = 200;

/** Refuses bodies and queries that Postgres cannot store (NUL, lone surrogates) or that nest too deeply, with a 422. */
export function checkStorable(): RequestHandler {
  return (req, _res, next) => {
    const error = findUnstorable(req.body, 'body') ?? findUnstorable(req.query, 'query');
    next(error ? invalid([error]) : undefined);
  };
}

type Loc = readonly (string | number)[];

/** The first value below `root` that cannot be stored. Walks with a stack of its own, so depth costs no call stack. */
export function findUnstorable(root: unknown, source: 'body' | 'query'): PydanticError | null {
  const pending: { readonly value: unknown; readonly loc: Loc }[] = [{ value: root, loc: [source] }];
  for (let item = pending.pop(); item; item = pending.pop()) {
    const { value, loc } = item;
    if (typeof value === 'string') {
      if (!isStorable(value)) return unstorable(loc, 'a NUL character or half of a surrogate pair');
    } else if (typeof value === 'object' && value !== null) {
      if (loc.length > MAX_JSON_DEPTH)
        return unstorable([source], `more than ${MAX_JSON_DEPTH} levels of nesting`);
      for (const [key, inner] of Object.entries(value)) {
        if (!isStorable(key)) return unstorable(loc, 'a NUL character or half of a surrogate pair in a key');
        if (typeof inner === 'string' || typeof inner === 'object')
          pending.push({ value: inner, loc: [...loc, key] });
      }
    }
  }
  return null;
}

const unstorable = (loc: Loc, what: string): PydanticError => ({
  type: 'value_error',
  loc,
  msg: `Value error, Input holds ${what}, which cannot be stored`,
  input: null,
});
