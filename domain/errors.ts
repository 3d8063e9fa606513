/**
 * What can go wrong on purpose. The code is the contract: HTTP status, retry policy and tests all key on it.
 * `llm` names the `error.type` that Letta's clients know for model failures (blocking calls and streams).
 */
const TAXONOMY = {
  NOT_FOUND: { status: 404, retryable: false },
  INVALID_ARGUMENT: { status: 400, retryable: false },
  VALIDATION: { status: 422, retryable: false },
  CONFLICT: { status: 409, retryable: false },
  PENDING_APPROVAL: { status: 409, retryable: false },
  UNAUTHORIZED: { status: 401, retryable: false },
  EXPIRED: { status: 410, retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retryable: false },
  NOT_IMPLEMENTED: { status: 501, retryable: false },
  UNAVAILABLE: { status: 503, retryable: true },
  CANCELLED: { status: 409, retryable: false },
  SUPERSEDED: { status: 409, retryable: false },
  TOOL_TIMEOUT: { status: 504, retryable: false },
  OUTCOME_UNKNOWN: { status: 502, retryable: false },
  MCP_UNAVAILABLE: { status: 502, retryable: false },
  MCP_UNAUTHORIZED: { status: 502, retryable: false },
  MCP_TIMEOUT: { status: 408, retryable: false },
  MODEL_BAD_REQUEST: { status: 400, retryable: false, llm: 'llm_bad_request' },
  MODEL_AUTHENTICATION: { status: 401, retryable: false, llm: 'llm_authentication' },
  MODEL_INSUFFICIENT_CREDITS: { status: 402, retryable: false, llm: 'llm_insufficient_credits' },
  MODEL_PERMISSION_DENIED: { status: 403, retryable: false, llm: 'llm_permission_denied' },
  MODEL_NOT_FOUND: { status: 404, retryable: false, llm: 'llm_not_found' },
  MODEL_CONTEXT_OVERFLOW: { status: 400, retryable: false, llm: 'context_window_exceeded' },
  SYSTEM_PROMPT_OVERFLOW: { status: 400, retryable: false, llm: 'context_window_overflow_in_system_prompt' },
  MODEL_RATE_LIMIT: { status: 429, retryable: true, llm: 'llm_rate_limit' },
  MODEL_TIMEOUT: { status: 504, retryable: true, llm: 'llm_timeout' },
  MODEL_UNAVAILABLE: { status: 500, retryable: true, llm: 'llm_error' },
  MODEL_INVALID_RESPONSE: { status: 500, retryable: true, llm: 'llm_error' },
  INTERNAL: { status: 500, retryable: true },
} as const satisfies Record<string, { status: number; retryable: boolean; llm?: string }>;

export type ErrorCode = keyof typeof TAXONOMY;

export interface AppErrorOptions extends ErrorOptions {
  /** Machine-readable facts for the client, e.g. `{ pendingRequestId }`. Never secrets. */
  readonly facts?: Readonly<Record<string, unknown>>;
  /** How long the provider asked us to wait before the next attempt, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** The only error the project throws on purpose. `message` says what was wrong, where, and what to do next. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly facts: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | undefined;
  constructor(
    readonly code: ErrorCode,
    message: string,
    { facts = {}, retryAfterMs, ...options }: AppErrorOptions = {},
  ) {
    super(message, options);
    this.facts = facts;
    this.retryAfterMs = retryAfterMs;
  }
}

export const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && code in TAXONOMY;
/** Whether another attempt of the same call may succeed. */
export const isRetryable = (code: ErrorCode): boolean => TAXONOMY[code].retryable;
/** The HTTP status that Letta answers for this kind of failure. */
export const httpStatus = (code: ErrorCode): number => TAXONOMY[code].status;
/** Letta's `error.type` for model failures; undefined for every other code. */
export function llmErrorType(code: ErrorCode): string | undefined {
  const row: { status: number; llm?: string } = TAXONOMY[code];
  return row.llm;
}
