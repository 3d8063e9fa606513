import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { SSEClientTransport, SseError } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { McpConfig, McpHttpConfig, McpStdioConfig } from '../../domain/mcp-server';
import type { SessionTransport } from './session';

export interface TransportOptions {
  readonly fetch: FetchLike;
  readonly authProvider: OAuthClientProvider | undefined;
  /** Compiled entry of the process that watches over a server on stdio. */
  readonly guardEntry: string;
  readonly maxMessageBytes: number;
}

/** The way to a server, not begun yet. */
export const createTransport = (config: McpConfig, options: TransportOptions): SessionTransport =>
  config.type === 'stdio' ? stdioTransport(config, options) : httpTransport(config, options);

function httpTransport(config: McpHttpConfig, { fetch, authProvider }: TransportOptions): SessionTransport {
  const settings = {
    fetch,
    requestInit: { headers: httpHeaders(config) },
    ...(authProvider && { authProvider }),
  };
  const url = new URL(config.url);
  const isSse = config.type === 'sse';
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- servers of the older kind are still around
  const Sse = SSEClientTransport;
  const transport = isSse ? new Sse(url, settings) : new StreamableHTTPClientTransport(url, settings);
  return {
    transport,
    async close() {
      const leaving = transport instanceof StreamableHTTPClientTransport && transport.terminateSession();
      if (leaving)
        await Promise.race([leaving.catch(() => undefined), sleep(LEAVE_MS, undefined, { ref: false })]);
      await transport.close();
    },
    // It would begin another stream, which is another session.
    endsOn: (error) => error instanceof SseError,
    isChild: false,
    lastWords: () => '',
  };
}

function httpHeaders({ authHeader, authToken, headers }: McpHttpConfig): Record<string, string> {
  if (authToken === null) return { ...headers };
  const name = authHeader ?? 'Authorization';
  const needsScheme = name.toLowerCase() === 'authorization' && !/\s/.test(authToken);
  return { ...headers, [name]: needsScheme ? `Bearer ${authToken}` : authToken };
}

// A server that is gone need not be told.
const LEAVE_MS = 1_000;
const GRACE_MS = 1_000;
const LAST_WORDS = 300;

/**
 * A child process with a few harmless variables of ours (PATH, HOME, USER, ...) and its own `env`, nothing else. It ends
 * with us, with everything it started.
 */
function stdioTransport(
  { command, args, env }: McpStdioConfig,
  { guardEntry, maxMessageBytes }: TransportOptions,
): SessionTransport {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [guardEntry, String(GRACE_MS), command, ...args],
    env: { ...env },
    stderr: 'pipe',
    maxBufferSize: maxMessageBytes,
  });
  let words = '';
  // Read to the end, whatever it says: a full pipe would stop the server.
  transport.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-LAST_WORDS);
  });
  return {
    transport,
    endsOn: () => false,
    isChild: true,
    close: () => transport.close(),
    lastWords: () => words.trim(),
  };
}
