import { ApplicationFailure } from '@temporalio/activity';
import { AppError, isRetryable, llmErrorType } from '../domain/errors';
import { MODEL_ATTEMPTS } from '../domain/turn';

/**
 * Translates what an activity throws into Temporal's terms: the code as `type`, whether to retry, and the wait that
 * a provider asked for. Failures cross into histories, so they carry the code only; texts stay in Postgres and logs.
 * `givesUp`: failures that another attempt will not mend end the activity after as many attempts as a model gets.
 */
export function toFailure(
  error: unknown,
  { attempt, givesUp = false }: { readonly attempt: number; readonly givesUp?: boolean },
): Error {
  const isLastAttempt = attempt >= MODEL_ATTEMPTS;
  if (error instanceof ApplicationFailure) return error;
  if (!(error instanceof AppError)) {
    return ApplicationFailure.create({
      type: 'INTERNAL',
      message: 'INTERNAL: see the worker log',
      nonRetryable: givesUp && isLastAttempt && isLasting(error),
    });
  }
  // A model that keeps failing ends the turn; a database that is away is waited for.
  const isGivenUp = llmErrorType(error.code) !== undefined && isLastAttempt;
  return ApplicationFailure.create({
    type: error.code,
    message: error.code,
    nonRetryable: isGivenUp || !isRetryable(error.code),
    ...(error.retryAfterMs !== undefined && { nextRetryDelay: error.retryAfterMs }),
  });
}

// Postgres' classes 22 (a value it can't take), 23 (a broken constraint) and 42 (a statement it can't run).
const REFUSED_BY_DATABASE = /^(22|23|42)/;

/** A mistake in the code, or data that the database refuses: the next attempt meets the same. */
function isLasting(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if ('severity' in error) return REFUSED_BY_DATABASE.test(code);
  return (
    code === '' && [TypeError, RangeError, ReferenceError, SyntaxError].some((kind) => error instanceof kind)
  );
}

/** The most that an activity may tell its workflow. Temporal itself repeats larger ones for ever. */
const MAX_PAYLOAD_BYTES = 256 * 1024;

/** Lets a result through that a history can hold; a larger one fails for good, and says nothing of its content. */
export function checkPayload<T>(result: T): T {
  const json = JSON.stringify(result) as string | undefined; // Undefined for nothing.
  if (json === undefined || Buffer.byteLength(json) <= MAX_PAYLOAD_BYTES) return result;
  throw new AppError(
    'PAYLOAD_TOO_LARGE',
    `the result of an activity has ${json.length} characters; at most ${MAX_PAYLOAD_BYTES} bytes may go to Temporal`,
  );
}
