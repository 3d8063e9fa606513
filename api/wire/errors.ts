import { type AppError, httpStatus, llmErrorType } from '../../domain/errors';

/** An error as Letta answers it. */
export interface WireError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export const UNKNOWN_ERROR: WireError = {
  status: 500,
  headers: {},
  body: { detail: 'An unknown error occurred' },
};

/**
 * The answer to an error. Messages are sent as their thrower wrote them, Letta's prefixes included
 * (`INVALID_ARGUMENT: …`). Failures that another attempt cannot mend tell the SDKs not to retry.
 */
export function toWireError(error: AppError): WireError {
  if (error.code === 'INTERNAL') return UNKNOWN_ERROR;
  const status = httpStatus(error.code);
  return { status, headers: headersOf(error, status), body: bodyOf(error) };
}

function bodyOf(error: AppError): Readonly<Record<string, unknown>> {
  const { code, message, facts } = error;
  const type = llmErrorType(code);
  if (type !== undefined) return { error: { type, message: modelFailureText(type), detail: message } };
  if (code === 'PENDING_APPROVAL') {
    return { detail: { code, message, pending_request_id: facts['pendingRequestId'] ?? null } };
  }
  if (facts['detail'] !== undefined) return { detail: facts['detail'] };
  if (code === 'MCP_UNAVAILABLE' || code === 'MCP_UNAUTHORIZED') {
    const type = 'mcp_connection_error';
    return { error: { type, message: 'Failed to connect to MCP server.', detail: message } };
  }
  if (code === 'VALIDATION' && facts['plain'] !== true) {
    return {
      trace_id: '',
      detail: message,
      ...(facts['examples'] !== undefined && { examples: facts['examples'] }),
    };
  }
  return { detail: message, ...(facts['runId'] !== undefined && { run_id: facts['runId'] }) };
}

const LLM_ERROR = 'An error occurred with the LLM request.';
const MODEL_FAILURES: Readonly<Record<string, string>> = {
  llm_bad_request: 'The request to the LLM model provider was invalid.',
  llm_authentication: 'Authentication failed with the LLM model provider.',
  llm_insufficient_credits: 'The LLM model provider refused the request for lack of credits.',
  llm_permission_denied: 'The LLM model provider denied access to the model.',
  llm_not_found: 'The LLM model provider does not know the model.',
  llm_rate_limit: 'The LLM model provider is rate limiting requests.',
  llm_timeout: 'The LLM model provider did not answer in time.',
  context_window_exceeded: 'The conversation does not fit into the context window of the model.',
};

/** Letta's sentence for a kind of model failure (`llmErrorType`); it stands beside the provider's own words. */
const modelFailureText = (type: string): string => MODEL_FAILURES[type] ?? LLM_ERROR;

// The SDKs re-send on 408, 409, 429 and 5xx. A model failure has had its retries inside the turn. A 409 that names a
// run, or that lost a race, is over soon; any other stays what it is.
function headersOf({ code, facts, retryAfterMs }: AppError, status: number): Record<string, string> {
  const isPermanent = status === 409 && facts['runId'] === undefined && facts['isTransient'] !== true;
  const isSpent = llmErrorType(code) !== undefined || code.startsWith('MCP_') || code === 'OUTCOME_UNKNOWN';
  const waitMs = retryAfterMs ?? WAIT_MS[status];
  return {
    ...((isPermanent || isSpent || status === 501) && { 'x-should-retry': 'false' }),
    ...(waitMs !== undefined && { 'retry-after': String(Math.ceil(waitMs / 1000)) }),
  };
}

// What is said where nobody has said how long: an outage of ours is short, a provider's limit counts minutes.
const WAIT_MS: Readonly<Record<number, number>> = { 503: 1_000, 429: 30_000 };
