import { types } from 'node:util';
import { AppError } from '../domain/errors';

const UNSTORABLE_CODES = ['22021', '22P05', '22P02', '22003', '22007', '22008', '22001'];
const BROKEN_REFERENCE_CODES = ['23503'];
const DUPLICATE_CODES = ['23505'];
const RACE_CODES = ['40001', '40P01', '55P03'];
// 08: connection exceptions, 53: out of connections, disk or memory, 57P: shutting down or starting up.
const OUTAGE_CODES = /^(08|53|57P|57014)/;
const NETWORK_CODES = ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH'];
const NETWORK_TEXT =
  /connection terminated|timeout exceeded when trying to connect|not queryable|pool after calling end/i;

/** What an error thrown by the database driver means to the caller; null if it is not one or nobody's fault but ours. */
export function fromDatabaseError(error: unknown): AppError | null {
  if (!types.isNativeError(error)) return null;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (!isServerError(error)) return isOutage(code, error.message) ? unavailable(error) : null;
  if (UNSTORABLE_CODES.includes(code)) {
    return new AppError('VALIDATION', `the request holds a value that cannot be stored: ${error.message}`, {
      cause: error,
      facts: { plain: true },
    });
  }
  if (DUPLICATE_CODES.includes(code)) return conflict('it exists already', error);
  if (BROKEN_REFERENCE_CODES.includes(code))
    return conflict('something it refers to does not exist or is in use', error);
  if (RACE_CODES.includes(code))
    return conflict('another request changed the same data; send it again', error, true);
  return OUTAGE_CODES.test(code) ? unavailable(error) : null;
}

const isServerError = (error: Error): boolean => 'severity' in error && 'code' in error;
const isOutage = (code: string, message: string): boolean =>
  NETWORK_CODES.includes(code) || NETWORK_TEXT.test(message);

const unavailable = (cause: Error): AppError =>
  new AppError('UNAVAILABLE', 'The database is not reachable right now; try again in a moment.', { cause });

function conflict(reason: string, cause: Error, isTransient = false): AppError {
  const { detail, constraint } = cause as { detail?: string; constraint?: string }; // fields of pg's DatabaseError
  const where = detail ?? constraint;
  return new AppError('CONFLICT', `CONFLICT: ${reason}${where ? ` (${where})` : ''}`, {
    cause,
    facts: { isTransient },
  });
}
