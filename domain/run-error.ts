import { AppError, isErrorCode, llmErrorType } from './errors';
import type { RunError } from './run-event';

// The error types that Letta's streams know; everything else about a model is `llm_error`.
const STREAM_TYPES = ['llm_timeout', 'llm_rate_limit', 'llm_authentication'];

/** A model's failure as a run keeps it and clients see it; null if something else than the model failed. */
export function toModelError(error: unknown): RunError | null {
  if (!(error instanceof AppError)) return null;
  const type = llmErrorType(error.code);
  if (type === undefined) return null;
  return {
    code: error.code,
    errorType: STREAM_TYPES.includes(type) ? type : 'llm_error',
    message: 'An error occurred with the LLM request.',
    detail: error.message,
  };
}

/** The error a blocking caller gets for a run that failed: the same code from the provider to the client. */
export function toAppError(error: RunError): AppError {
  return new AppError(isErrorCode(error.code) ? error.code : 'INTERNAL', error.detail);
}
