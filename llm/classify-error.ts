import {
  APICallError,
  InvalidPromptError,
  JSONParseError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai';
import { AppError } from '../domain/errors';
import type { ErrorCode } from '../domain/errors';
import { isRecord } from './is-record';

/** What an error text may say about the call. `secrets` never appear in it. */
export interface FailureContext {
  /** The provider as a reader knows it, for example `OpenAI`. */
  readonly label: string;
  /** The setting that holds the key, named in the advice; null for servers without one. */
  readonly keyName: string | null;
  readonly model: string;
  readonly secrets: readonly string[];
}

/** A failure that a provider reports inside a stream it had already begun. */
export class ProviderStreamError extends Error {
  override readonly name = 'ProviderStreamError';
  constructor(
    message: string,
    readonly code: string | null,
  ) {
    super(message);
  }
}

/** One provider failure, whatever library carried it. */
interface Failure {
  readonly status?: number;
  /** The provider's own words for the kind of failure, lower case. */
  readonly kinds: readonly string[];
  readonly message: string;
  readonly retryAfterMs?: number;
  readonly is?: ErrorCode;
}

/**
 * The only place where a provider's failure gets its `MODEL_*` code. An `AppError` passes unchanged; anything unknown
 * is `MODEL_UNAVAILABLE`, because the call itself is safe to repeat.
 */
export function classifyError(error: unknown, context: FailureContext): AppError {
  if (error instanceof AppError) return error;
  const failure = readFailure(error);
  const code = codeOf(failure);
  const { retryAfterMs, status } = failure;
  return new AppError(code, textOf(code, redact(failure.message, context.secrets), context), {
    facts: { provider: context.label, model: context.model, ...(status !== undefined && { status }) },
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

function readFailure(error: unknown): Failure {
  if (error instanceof APIConnectionTimeoutError)
    return { kinds: [], message: error.message, is: 'MODEL_TIMEOUT' };
  if (error instanceof APIConnectionError) return networkFailure(error);
  if (error instanceof APIError) return readOpenAiError(error as APIError); // `instanceof` infers `any` for its generics.
  if (APICallError.isInstance(error)) return readAiSdkError(error);
  if (error instanceof ProviderStreamError) return { kinds: kindsOf(error.code), message: error.message };
  if (JSONParseError.isInstance(error) || TypeValidationError.isInstance(error) || isSyntaxError(error)) {
    return {
      kinds: [],
      message: 'the stream held something that is not a reply',
      is: 'MODEL_INVALID_RESPONSE',
    };
  }
  if (InvalidPromptError.isInstance(error) || UnsupportedFunctionalityError.isInstance(error)) {
    return { kinds: [], message: error.message, is: 'MODEL_BAD_REQUEST' };
  }
  if (isRecord(error) && typeof error['type'] === 'string') {
    return { kinds: kindsOf(error['type'], error['code'], error['status']), message: messageIn(error) };
  }
  return networkFailure(error);
}

const isSyntaxError = (error: unknown): boolean => isRecord(error) && error['name'] === 'SyntaxError';

function readOpenAiError(error: APIError): Failure {
  const body: unknown = error.error;
  const inner = isRecord(body) ? body : {};
  const numeric = [error.code, inner['code']].map(Number).find((value) => value >= 400 && value < 600);
  return {
    status: error.status ?? numeric,
    kinds: kindsOf(error.code, error.type, inner['code'], inner['type'], inner['status']),
    message: typeof body === 'string' ? body : messageIn(inner) || error.message,
    retryAfterMs: retryAfter((name) => error.headers?.get(name) ?? undefined),
  };
}

function readAiSdkError(error: APICallError): Failure {
  const body = parseBody(error.responseBody);
  const inner = isRecord(body['error']) ? body['error'] : body;
  // A connection that broke during a good answer carries the status of the answer.
  if ((error.statusCode ?? 0) < 400 && error.responseBody === undefined) return networkFailure(error);
  return {
    status: error.statusCode,
    kinds: kindsOf(inner['code'], inner['type'], inner['status'], ...reasonsIn(inner)),
    message: messageIn(inner) || error.message,
    retryAfterMs: retryAfter((name) => error.responseHeaders?.[name]) ?? retryDelayIn(inner),
  };
}

const TIMEOUTS = /timed? ?out|ETIMEDOUT|UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT/i;

/** The message of an error and of its causes: `fetch failed` alone tells nobody that the port was wrong. */
function networkFailure(error: unknown): Failure {
  const messages: string[] = [];
  for (let at = error; isRecord(at) && messages.length < 5; at = at['cause'] ?? errorsIn(at)[0]) {
    const said = messageIn(at);
    const code = at['code'];
    messages.push(typeof code === 'string' && !said.includes(code) ? `${said} (${code})`.trim() : said);
  }
  const message = [...new Set(messages)].filter(Boolean).join(': ') || String(error);
  return { kinds: [], message, is: TIMEOUTS.test(message) ? 'MODEL_TIMEOUT' : 'MODEL_UNAVAILABLE' };
}

/** Node wraps the attempts at several addresses into an AggregateError without a message. */
const errorsIn = (error: Readonly<Record<string, unknown>>): readonly unknown[] =>
  Array.isArray(error['errors']) ? error['errors'] : [];

/** Texts with which providers say that the prompt is longer than the model's window. */
const OVERFLOW = [
  /maximum (context|prompt) length/i,
  /context[ _](length|window|size)[^.]{0,40}exceed|exceed[^.]{0,60}context[ _](length|window|size|limit)/i,
  /prompt is too long/i,
  /exceeds the maximum number of (input )?tokens/i,
  /exceed_context_size/i,
  /longer than the model's context/i,
  /reduce the length of the (messages|prompt|input)/i,
];
const CREDITS =
  /insufficient[ _](quota|credits|balance|funds)|credit balance is too low|exceeded your current quota/i;
const BAD_KEY = /api[ _]key (not valid|expired)|invalid api key|incorrect api key|api_key_invalid/i;

/** Kinds that say more than the status beside them (streams carry no status at all). */
const BY_KIND: Readonly<Record<string, ErrorCode>> = {
  context_length_exceeded: 'MODEL_CONTEXT_OVERFLOW',
  exceed_context_size_error: 'MODEL_CONTEXT_OVERFLOW',
  insufficient_quota: 'MODEL_INSUFFICIENT_CREDITS',
  billing_error: 'MODEL_INSUFFICIENT_CREDITS',
  invalid_api_key: 'MODEL_AUTHENTICATION',
  api_key_invalid: 'MODEL_AUTHENTICATION',
  authentication_error: 'MODEL_AUTHENTICATION',
  permission_error: 'MODEL_PERMISSION_DENIED',
  not_found_error: 'MODEL_NOT_FOUND',
  model_not_found: 'MODEL_NOT_FOUND',
  rate_limit_error: 'MODEL_RATE_LIMIT',
  rate_limit_exceeded: 'MODEL_RATE_LIMIT',
  resource_exhausted: 'MODEL_RATE_LIMIT',
  timeout_error: 'MODEL_TIMEOUT',
  deadline_exceeded: 'MODEL_TIMEOUT',
  overloaded_error: 'MODEL_UNAVAILABLE',
};

/** Without a status, a kind that starts like this is the request's fault. */
const REQUEST_FAULT = /^(invalid_|image_|empty_image|unsupported_|failed_to_download_image|bio_policy)/;

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  401: 'MODEL_AUTHENTICATION',
  402: 'MODEL_INSUFFICIENT_CREDITS',
  403: 'MODEL_PERMISSION_DENIED',
  404: 'MODEL_NOT_FOUND',
  408: 'MODEL_TIMEOUT',
  409: 'MODEL_UNAVAILABLE',
  413: 'MODEL_CONTEXT_OVERFLOW',
  425: 'MODEL_UNAVAILABLE',
  429: 'MODEL_RATE_LIMIT',
  499: 'MODEL_UNAVAILABLE',
  504: 'MODEL_TIMEOUT',
};

function codeOf({ status, kinds, message, is }: Failure): ErrorCode {
  if (is) return is;
  if (
    (status ?? 400) < 500 &&
    status !== 401 &&
    status !== 429 &&
    OVERFLOW.some((text) => text.test(message))
  ) {
    return 'MODEL_CONTEXT_OVERFLOW';
  }
  if ((status === 400 || status === 429 || status === undefined) && CREDITS.test(message)) {
    return 'MODEL_INSUFFICIENT_CREDITS';
  }
  if (status === 400 && BAD_KEY.test(message)) return 'MODEL_AUTHENTICATION';
  const kind = kinds.find((name) => name in BY_KIND);
  if (kind !== undefined) return BY_KIND[kind] ?? 'MODEL_UNAVAILABLE';
  if (status === undefined || status === 500) {
    return kinds.some((name) => REQUEST_FAULT.test(name)) ? 'MODEL_BAD_REQUEST' : 'MODEL_UNAVAILABLE';
  }
  return BY_STATUS[status] ?? (status < 500 ? 'MODEL_BAD_REQUEST' : 'MODEL_UNAVAILABLE');
}

function textOf(code: ErrorCode, detail: string, { label, keyName, model }: FailureContext): string {
  const said = detail.replace(/[.\s]+$/, '');
  switch (code) {
    case 'MODEL_BAD_REQUEST':
      return `Bad request to ${label}: ${said}.`;
    case 'MODEL_AUTHENTICATION':
      return `Authentication failed with ${label}: ${said}. Check ${keyName ?? 'the key of this provider'}.`;
    case 'MODEL_INSUFFICIENT_CREDITS':
      return `Insufficient credits at ${label}: ${said}. Add credits there, then send the message again.`;
    case 'MODEL_PERMISSION_DENIED':
      return `Permission denied by ${label}: ${said}. Check what the key may use.`;
    case 'MODEL_NOT_FOUND':
      return `Model ${model} not found at ${label}: ${said}. List the models with GET /v1/models/.`;
    case 'MODEL_CONTEXT_OVERFLOW':
      return `The prompt exceeds the context window of ${model} at ${label}: ${said}.`;
    case 'MODEL_RATE_LIMIT':
      return `Rate limited by ${label}: ${said}. Try again later.`;
    case 'MODEL_TIMEOUT':
      return `${label} did not answer in time: ${said}. Try again.`;
    case 'MODEL_INVALID_RESPONSE':
      return `${label} sent an invalid response for ${model}: ${said}. Try again.`;
    default:
      return `${label} is unavailable: ${said}. Try again later.`;
  }
}

/** Removes keys from a provider's text: OpenAI and proxies quote the key they refused. */
function redact(text: string, secrets: readonly string[]): string {
  const known = secrets.filter((secret) => secret.length > 3);
  const without = known.reduce((rest, secret) => rest.split(secret).join('[redacted]'), text);
  return without
    .replace(/\b(sk|pk|xai|gsk|key)-[\w*-]{6,}/g, '[redacted]')
    .replace(/\bAIza[\w-]{10,}/g, '[redacted]')
    .replace(/\bBearer\s+\S{6,}/gi, 'Bearer [redacted]')
    .slice(0, 2000);
}

/** Milliseconds to wait, from `retry-after-ms` or `retry-after` (seconds or an HTTP date). */
function retryAfter(header: (name: string) => string | undefined): number | undefined {
  const ms = header('retry-after-ms');
  if (ms !== undefined && Number.isFinite(Number(ms))) return Math.max(0, Math.ceil(Number(ms)));
  const after = header('retry-after');
  if (after === undefined) return undefined;
  if (Number.isFinite(Number(after))) return Math.max(0, Math.ceil(Number(after) * 1000));
  const date = Date.parse(after);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** Google writes the wait into the body: `details: [{ retryDelay: "34s" }]`. */
function retryDelayIn(body: Readonly<Record<string, unknown>>): number | undefined {
  for (const detail of detailsIn(body)) {
    const seconds = /^([\d.]+)s$/.exec(String(detail['retryDelay']))?.[1];
    if (seconds !== undefined) return Math.ceil(Number(seconds) * 1000);
  }
  return undefined;
}

const detailsIn = (body: Readonly<Record<string, unknown>>) =>
  Array.isArray(body['details']) ? body['details'].filter(isRecord) : [];
const reasonsIn = (body: Readonly<Record<string, unknown>>) =>
  detailsIn(body).map((detail) => detail['reason']);
const messageIn = (body: Readonly<Record<string, unknown>>) =>
  typeof body['message'] === 'string' ? body['message'] : '';
const kindsOf = (...values: readonly unknown[]) =>
  values.filter((value) => typeof value === 'string').map((value) => value.toLowerCase());

function parseBody(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text ?? '');
    return isRecord(body) ? body : {};
  } catch {
    return {}; // A proxy's HTML page: the status says what there is to know.
  }
}
