import { ApplicationFailure } from '@temporalio/activity';
import { AppError, isRetryable, llmErrorType } from '../domain/errors';
import { MODEL_ATTEMPTS } from '../domain/turn';

/**
 * Translates what an activity throws into Temporal's terms: the code as `type`, whether to retry, and the wait that
 * a provider asked for. Failures cross into histories, so they carry the code only; texts stay in Postgres and logs.
 */
export function toFailure(error: unknown, attempt: number): Error {
  if (error instanceof ApplicationFailure) return error;
  if (!(error instanceof AppError)) {
    return ApplicationFailure.create({
      type: 'INTERNAL',
      message: 'INTERNAL: see the worker log',
      nonRetryable: false,
    });
  }
  // A model that keeps failing ends the turn; a database that is away is waited for.
  const isGivenUp = llmErrorType(error.code) !== undefined && attempt >= MODEL_ATTEMPTS;
  return ApplicationFailure.create({
    type: error.code,
    message: error.code,
    nonRetryable: isGivenUp || !isRetryable(error.code),
    ...(error.retryAfterMs !== undefined && { nextRetryDelay: error.retryAfterMs }),
  });
}
