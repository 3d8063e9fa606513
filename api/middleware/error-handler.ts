import type { ErrorRequestHandler } from 'express';
import { types } from 'node:util';
import { fromDatabaseError } from '../../db/database-error';
import { AppError } from '../../domain/errors';
import type { Logger } from '../../log';
import { toWireError, UNKNOWN_ERROR, type WireError } from '../wire/errors';
import { invalid } from '../wire/validation';
import { requestIdOf } from './request-log';

/** Answers every error in Letta's shape. Unknown ones are logged with the request's id and answered without details. */
export function errorHandler(log: Logger): ErrorRequestHandler {
  // Express tells an error handler by its four parameters.

  return (error: unknown, req, res, _next) => {
    const known = toAppError(error);
    const wire: WireError = known ? toWireError(known) : (fromHttpError(error) ?? UNKNOWN_ERROR);
    const facts = { requestId: requestIdOf(res), method: req.method, path: req.path, status: wire.status };
    if (wire.status >= 500) log.error({ ...facts, err: error }, 'request failed');
    else log.debug({ ...facts, detail: known?.message }, 'request refused');
    if (res.headersSent) {
      // The status is out. Cutting the connection is the only honest way left to say that the answer is incomplete.
      res.destroy();
      return;
    }
    res.status(wire.status).set(wire.headers).json(wire.body);
  };
}

/** What the body parser and the router raise: errors with a `type` or a 4xx `status`. */
interface HttpError extends Error {
  readonly status: number;
  readonly type?: string;
}

const isHttpError = (error: unknown): error is HttpError =>
  types.isNativeError(error) && 'status' in error && typeof error.status === 'number';

function toAppError(error: unknown): AppError | null {
  if (error instanceof AppError) return error;
  if (!isHttpError(error)) return fromDatabaseError(error);
  if (error.type === 'entity.parse.failed') return malformedJson(error);
  if (error.type === 'entity.too.large') {
    return new AppError('PAYLOAD_TOO_LARGE', 'The request body is larger than 20 MB; send less.', {
      cause: error,
    });
  }
  return null;
}

const fromHttpError = (error: unknown): WireError | null =>
  isHttpError(error) && error.status >= 400 && error.status < 500
    ? { status: error.status, headers: {}, body: { detail: error.message } }
    : null;

function malformedJson(error: Error): AppError {
  const position = Number(/position (\d+)/.exec(error.message)?.[1] ?? 0); // V8 names it for long texts only
  const ctx = { error: error.message };
  return invalid([
    { type: 'json_invalid', loc: ['body', position], msg: 'JSON decode error', input: {}, ctx },
  ]);
}
