import { AppError, isErrorCode, llmErrorType } from './errors';
import type { RunError } from './run-event';

// The error types that Letta's streams know; everything else about a model is `llm_error`.
const STREAM_TYPES = [
  'llm_timeout',
  'llm_rate_limit',
  'llm_authentication',
  'context_window_overflow_in_system_prompt',
];

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

/** What a message gets that comes while tool calls wait for a human. The text is Letta's. */
export const PENDING_APPROVAL_TEXT =
  'CONFLICT: Cannot send a new message: The agent is waiting for approval on a tool call. ' +
  'Please approve or deny the pending request before continuing.';

/** The error of a run that ended with this code and left no error of its own. */
export function toRunError(code: string | undefined): RunError {
  if (code === 'PENDING_APPROVAL') {
    return {
      code,
      errorType: 'internal_error',
      message: PENDING_APPROVAL_TEXT,
      detail: PENDING_APPROVAL_TEXT,
    };
  }
  return {
    code: 'INTERNAL',
    errorType: 'internal_error',
    message: 'The turn failed.',
    detail: `INTERNAL: the turn stopped (${code ?? 'no code'}); see its workflow in the Temporal UI.`,
  };
}

/** The error a blocking caller gets for a run that failed: the same code from the provider to the client. */
export function toAppError(error: RunError): AppError {
  return new AppError(isErrorCode(error.code) ? error.code : 'INTERNAL', error.detail);
}
