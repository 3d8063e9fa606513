import type { RequestHandler } from 'express';
import { AppError } from '../../domain/errors';
import { isId } from '../../domain/ids';

/** Refuses a malformed `user_id` header. There is one user, so a well-formed one changes nothing. */
export function checkActingUser(): RequestHandler {
  return (req, _res, next) => {
    const id = req.get('user_id');
    next(id === undefined || id === '' || isId('user', id) ? undefined : wrongUser(id));
  };
}

const wrongUser = (id: string): AppError =>
  new AppError(
    'INVALID_ARGUMENT',
    `INVALID_ARGUMENT: Invalid user ID format: ${id}. Expected format: 'user-<uuid4>'`,
  );
