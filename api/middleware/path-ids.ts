import type { Router } from 'express';
import { idPattern, isId, type IdPrefix } from '../../domain/ids';
import { invalid } from '../wire/validation';

const exampleId = (prefix: IdPrefix): string => `${prefix}-123e4567-e89b-42d3-8456-426614174000`;

/**
 * Refuses path ids of the wrong form with Letta's 422 before a handler runs: `checkPathIds(router, { agentId:
 * 'agent' })` guards `:agentId` in every route of this router.
 */
export function checkPathIds(router: Router, prefixes: Readonly<Record<string, IdPrefix>>): void {
  for (const [param, prefix] of Object.entries(prefixes)) {
    router.param(param, (_req, _res, next, value: string) => {
      next(isId(prefix, value) ? undefined : wrongId(param, prefix, value));
    });
  }
}

function wrongId(param: string, prefix: IdPrefix, value: string) {
  const name = param.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const error = {
    type: 'string_pattern_mismatch',
    loc: ['path', name],
    msg: `String should match pattern '${prefix}-{uuid4}'`,
    input: value,
    ctx: { pattern: idPattern(prefix) },
  };
  return invalid([error], [exampleId(prefix)]);
}
