import { z } from 'zod';
import { AppError } from '../../domain/errors';
import {
  isSecretVariable,
  MCP_SECRET_MASK,
  MCP_SERVER_TYPES,
  type McpConfig,
  type McpHttpConfig,
  type McpServer,
  type McpStdioConfig,
} from '../../domain/mcp-server';
import { jsonObject } from './fields';
import { toPydanticErrors } from './pydantic-errors';
import { invalid } from './validation';

/** A server as clients of the 1.12.1 SDKs know it, with when its tools were read, which is our own. Secrets are masked. */
export const toWireMcpServer = (server: McpServer) => ({
  id: server.id,
  server_name: server.name,
  mcp_server_type: server.config.type,
  ...shownConfig(server.config),
  tools_read_at: server.toolsReadAt?.toISOString() ?? null,
  tools_error: server.toolsError,
});

/** The same for the older routes. */
export const toWireOlderMcpServer = ({ name, config }: McpServer) => ({
  server_name: name,
  type: config.type,
  ...shownConfig(config),
});

function shownConfig(config: McpConfig) {
  if (config.type === 'stdio')
    return { command: config.command, args: config.args, env: masked(config.env, isSecretVariable) };
  return {
    server_url: config.url,
    auth_header: config.authHeader,
    auth_token: config.authToken === null ? null : MCP_SECRET_MASK,
    custom_headers: masked(config.headers),
  };
}

function masked(
  values: Readonly<Record<string, string>>,
  isSecret: (name: string, value: string) => boolean = () => true,
): Record<string, string> | null {
  const shown = Object.entries(values).map(([name, value]): [string, string] => [
    name,
    isSecret(name, value) ? MCP_SECRET_MASK : value,
  ]);
  return shown.length === 0 ? null : Object.fromEntries(shown);
}

/** Why an address may not be used; null if it may. */
export type RefuseAddress = (config: McpConfig) => string | null;

const text = z.string();
const headerName = text.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}$/, {
  error: 'is not the name of an HTTP header',
});

const headerValue = text.regex(/^[^\u0000-\u0008\u000a-\u001f\u007f\u0100-\uffff]*$/, {
  error: 'cannot be the value of an HTTP header',
});
const variables = z.record(text.regex(/^[^=\u0000]+$/), text);

function configSchemas(refuse: RefuseAddress) {
  const url = text.max(2_000).superRefine((address, context) => {
    const reason = refuse({ type: 'sse', url: address, authHeader: null, authToken: null, headers: {} });
    if (reason !== null) context.addIssue({ code: 'custom', message: reason });
  });
  const http = {
    auth_header: z.union([headerName, z.literal('')]).nullish(),
    auth_token: headerValue.nullish(),
    custom_headers: z.record(headerName, headerValue).nullish(),
  };
  const stdio = { command: text.min(1), args: z.array(text), env: variables.nullish() };
  return { url, http, stdio };
}

const named = { server_name: text.min(1).max(200) };

/** The server a creation asks for. 422 with masked secrets for a bad one. */
export function parseMcpServer(body: unknown, refuse: RefuseAddress): { name: string; config: McpConfig } {
  const { url, http, stdio } = configSchemas(refuse);
  const config = z.discriminatedUnion('mcp_server_type', [
    z.object({ mcp_server_type: z.literal('stdio'), ...stdio }),
    z.object({ mcp_server_type: z.literal('sse'), server_url: url, ...http }),
    z.object({ mcp_server_type: z.literal('streamable_http'), server_url: url, ...http }),
  ]);
  const parsed = parseMasked(z.object({ ...named, config }), body);
  return { name: parsed.server_name, config: toConfig(parsed.config) };
}

/** What an update asks for, as a function of the stored server. Absent and masked fields keep their value. */
export function parseMcpServerUpdate(body: unknown, refuse: RefuseAddress) {
  const { url, http, stdio } = configSchemas(refuse);
  const config = z.discriminatedUnion('mcp_server_type', [
    z.object({ mcp_server_type: z.literal('stdio'), ...stdio, command: stdio.command.nullable(), args: stdio.args.nullable() }),
    z.object({ mcp_server_type: z.literal('sse'), server_url: url.nullable(), ...http }),
    z.object({ mcp_server_type: z.literal('streamable_http'), server_url: url.nullable(), ...http }),
  ]); // prettier-ignore
  const parsed = parseMasked(z.object({ server_name: named.server_name.nullish(), config }), body);
  return (server: McpServer) => ({
    name: parsed.server_name ?? server.name,
    config: merged(server.config, parsed.config),
  });
}

/** A body of the older routes, `{server_name, type, ...}`, as the newer ones send it. */
export function fromOlderBody(body: unknown, name?: string): unknown {
  const given = jsonObject.safeParse(body);
  if (!given.success) return body;
  const { server_name: serverName = name, type, stdio_config: stdio, token, ...config } = given.data;
  const inner = jsonObject.safeParse(stdio);
  const guessed = 'command' in config || inner.success ? 'stdio' : 'streamable_http';
  return {
    server_name: serverName,
    config: {
      mcp_server_type: type ?? guessed,
      ...(token !== undefined && { auth_token: token }),
      ...config,
      ...(inner.success && inner.data),
    },
  };
}

interface SentHttp {
  readonly mcp_server_type: 'sse' | 'streamable_http';
  readonly server_url: string | null;
  readonly auth_header?: string | null | undefined;
  readonly auth_token?: string | null | undefined;
  readonly custom_headers?: Readonly<Record<string, string>> | null | undefined;
}
interface SentStdio {
  readonly mcp_server_type: 'stdio';
  readonly command: string | null;
  readonly args: readonly string[] | null;
  readonly env?: Readonly<Record<string, string>> | null | undefined;
}

function toConfig(sent: SentHttp | SentStdio): McpConfig {
  if (sent.mcp_server_type === 'stdio')
    return { type: 'stdio', command: sent.command ?? '', args: sent.args ?? [], env: sent.env ?? {} };
  return {
    type: sent.mcp_server_type,
    url: sent.server_url ?? '',
    authHeader: sent.auth_header || null,
    authToken: sent.auth_token || null,
    headers: sent.custom_headers ?? {},
  };
}

function merged(stored: McpConfig, sent: SentHttp | SentStdio): McpConfig {
  if (sent.mcp_server_type === 'stdio') return mergedStdio(stored.type === 'stdio' ? stored : null, sent);
  return mergedHttp(stored.type === 'stdio' ? null : stored, sent);
}

const kept = (sent: Readonly<Record<string, string>>, stored: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(sent).map(([name, value]) => [
      name,
      value === MCP_SECRET_MASK ? (stored[name] ?? '') : value,
    ]),
  );

function mergedStdio(stored: McpStdioConfig | null, sent: SentStdio): McpConfig {
  const command = sent.command ?? stored?.command;
  const args = sent.args ?? stored?.args;
  if (command === undefined || args === undefined) throw incomplete('`command` and `args`');
  const env = sent.env === undefined ? (stored?.env ?? {}) : kept(sent.env ?? {}, stored?.env ?? {});
  return { type: 'stdio', command, args, env };
}

function mergedHttp(stored: McpHttpConfig | null, sent: SentHttp): McpConfig {
  const url = sent.server_url ?? stored?.url;
  if (url === undefined) throw incomplete('`server_url`');
  // As in the original, null leaves the token alone; the empty string takes it away.
  const keepsToken =
    sent.auth_token === undefined || sent.auth_token === null || sent.auth_token === MCP_SECRET_MASK;
  const headers =
    sent.custom_headers === undefined
      ? (stored?.headers ?? {})
      : kept(sent.custom_headers ?? {}, stored?.headers ?? {});
  const config: McpHttpConfig = {
    type: sent.mcp_server_type,
    url,
    authHeader:
      sent.auth_header === undefined || sent.auth_header === null
        ? (stored?.authHeader ?? null)
        : sent.auth_header || null,
    authToken: keepsToken ? (stored?.authToken ?? null) : sent.auth_token || null,
    headers,
  };
  if (stored && new URL(stored.url).origin !== new URL(url).origin) refuseToHandOn(stored, config);
  return config;
}

// Whoever may change an address must not get to read a secret by it.
function refuseToHandOn(stored: McpHttpConfig, config: McpHttpConfig): void {
  const isKept =
    (config.authToken !== null && config.authToken === stored.authToken) ||
    Object.entries(config.headers).some(([name, value]) => stored.headers[name] === value);
  if (!isKept) return;
  throw new AppError(
    'INVALID_ARGUMENT',
    'INVALID_ARGUMENT: `server_url` names another server. Send `auth_token` ("" for none) and `custom_headers` (null for none) along.',
  );
}

const incomplete = (fields: string): AppError =>
  new AppError('INVALID_ARGUMENT', `INVALID_ARGUMENT: a server of another type needs ${fields}.`);

/** Parses; the errors name the type in their location, as pydantic does, and quote no secret. */
function parseMasked<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const shown = maskBody(body);
  const type = typeOf(body);
  throw invalid(
    toPydanticErrors(result.error.issues, 'body', shown).map((error) => {
      const [, field, ...rest] = error.loc;
      const isInside = field === 'config' && rest.length > 0 && type !== null;
      return isInside ? { ...error, loc: ['body', 'config', type, ...rest] } : error;
    }),
  );
}

function typeOf(body: unknown): string | null {
  const config = jsonObject.safeParse(jsonObject.safeParse(body).data?.['config']).data;
  return MCP_SERVER_TYPES.find((type) => type === config?.['mcp_server_type']) ?? null;
}

const SECRET_FIELDS = ['auth_token', 'token', 'custom_headers', 'env'];

function maskBody(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(maskBody);
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [
      name,
      SECRET_FIELDS.includes(name) ? maskValue(value) : maskBody(value),
    ]),
  );
}

function maskValue(value: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (typeof value !== 'object') return MCP_SECRET_MASK;
  return Object.fromEntries(Object.keys(value).map((name) => [name, MCP_SECRET_MASK]));
}

export const RunMcpToolBody = z.object({ args: jsonObject.default({}) });
