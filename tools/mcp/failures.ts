import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ErrorCode, McpError } from '@modelcontextprotocol/sdk/types.js';
import { types } from 'node:util';

/**
 * What became of a request. `not-sent`, `session-gone`, `unauthorized` and `rejected`: it surely had no effect.
 * `answered`: the server says itself that it failed. `lost`, `timeout` and `garbage`: nobody knows.
 */
export type McpFailureKind =
  'not-sent' | 'session-gone' | 'unauthorized' | 'rejected' | 'answered' | 'lost' | 'timeout' | 'garbage';

/** Why a server gave no answer. The message may quote the server; it holds no headers and no addresses with a query. */
export class McpFailure extends Error {
  override readonly name = 'McpFailure';
  constructor(
    readonly kind: McpFailureKind,
    message: string,
    options: ErrorOptions = {},
  ) {
    super(message, options);
  }
}

/** Whether the server may have acted on the request. */
export const mayHaveActed = ({ kind }: McpFailure): boolean => ['lost', 'timeout', 'garbage'].includes(kind);

/** What an error of the SDK or of the network means for the request that ran into it. */
export function toMcpFailure(error: unknown): McpFailure {
  if (error instanceof McpFailure) return error;
  if (error instanceof UnauthorizedError) return unauthorized();
  if (error instanceof McpError) return fromProtocol(error);
  const status = statusOf(error);
  if (status !== null) return fromStatus(status, error);
  const refused = findRefusal(error);
  if (refused) return refused;
  if (isUnreadable(error)) return new McpFailure('garbage', 'it answered with something that is no answer');
  if (error instanceof Error && error.message === 'Not connected')
    return new McpFailure('session-gone', 'the session has ended');
  const code = codeOf(error);
  if (code !== null && NOT_SENT.test(code)) return new McpFailure('not-sent', REASONS[code] ?? code);
  return new McpFailure('lost', (code !== null && REASONS[code]) || 'the connection was lost');
}

const unauthorized = (): McpFailure =>
  new McpFailure('unauthorized', 'it asks for authorization: check the auth token, or connect by OAuth');

// The SDK's own code for requests that were open when their transport ended.
const CONNECTION_CLOSED: number = ErrorCode.ConnectionClosed;
const fromProtocol = (error: McpError): McpFailure =>
  error.code === CONNECTION_CLOSED && error.message.endsWith('Connection closed')
    ? new McpFailure('lost', 'the connection was lost')
    : new McpFailure('answered', error.message.replace(/^MCP error -?\d+: /, ''));

function statusOf(error: unknown): number | null {
  if (error instanceof StreamableHTTPError)
    return error.code !== undefined && error.code > 0 ? error.code : null;
  if (!(error instanceof Error)) return null;
  const text = /\(HTTP (\d{3})\)|Non-200 status code \((\d{3})\)/.exec(error.message);
  return text ? Number(text[1] ?? text[2]) : null;
}

function fromStatus(status: number, error: unknown): McpFailure {
  if (status === 401 || status === 403) return unauthorized();
  // What servers answer that do not know the session any more: the protocol says 404, many say 400.
  if (status === 404 || status === 400)
    return new McpFailure('session-gone', `it answered with HTTP status ${status}`);
  if (status >= 500) return new McpFailure('lost', `it answered with HTTP status ${status}`);
  const hint = error instanceof Error && /Redirect[^{}]*not followed/.exec(error.message)?.[0];
  return new McpFailure('rejected', `it answered with HTTP status ${status}${hint ? `. ${hint}` : ''}`);
}

/** A failure of ours that the network code has wrapped. */
function findRefusal(error: unknown): McpFailure | null {
  for (
    let each: unknown = error, depth = 0;
    types.isNativeError(each) && depth < 5;
    each = each.cause, depth++
  )
    if (each instanceof McpFailure) return each;
  return null;
}

const isUnreadable = (error: unknown): boolean =>
  error instanceof SyntaxError ||
  (error instanceof Error && /ZodError/.test(error.constructor.name + error.name));

const NOT_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ERR_TLS\w*|ERR_SSL\w*|CERT\w*|\w*_CERT\w*|DEPTH_ZERO\w*|UNABLE_TO\w*)$/;
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its host name does not exist',
  EAI_AGAIN: 'its host name could not be looked up',
  ECONNREFUSED: 'it refuses connections',
  ECONNRESET: 'it closed the connection',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it does not respond',
  ETIMEDOUT: 'it does not respond',
};

function codeOf(error: unknown): string | null {
  for (
    let each: unknown = error, depth = 0;
    types.isNativeError(each) && depth < 5;
    each = each.cause, depth++
  )
    if ('code' in each && typeof each.code === 'string') return each.code;
  return null;
}
