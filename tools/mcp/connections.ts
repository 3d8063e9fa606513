import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import path from 'node:path';
import { AppError } from '../../domain/errors';
import type { McpConnections, McpOAuthStore, McpToolList } from '../../domain/mcp';
import type { McpConfig, McpTarget } from '../../domain/mcp-server';
import { authorizedProvider, beginAuthorization, finishAuthorization } from './authorize';
import { callTool, type CallLimits } from './call-tool';
import { toMcpFailure } from './failures';
import { createGuardedHttp, type GuardedFetchOptions } from './guarded-fetch';
import { listTools } from './list-tools';
import { type AllowedServers, configRefusal } from './server-address';
import { McpSession, type RequestLimits, unlessAborted } from './session';
import { SessionPool } from './session-pool';
import { FLOOD_LIMITS, type FloodLimits } from './stream-meter';
import { failedCall, toAppError } from './told-failures';
import { createTransport } from './transports';

export interface McpLimits extends CallLimits {
  readonly connectMs: number;
  readonly listMs: number;
  readonly idleMs: number;
  readonly flood: FloodLimits;
}
const LIMITS: McpLimits = {
  connectMs: 30_000,
  listMs: 30_000,
  callMs: 60_000,
  reconnectMs: 10_000,
  freshMs: 1_000,
  idleMs: 5 * 60_000,
  flood: FLOOD_LIMITS,
};

export interface McpConnectionsOptions extends AllowedServers {
  readonly oauth: McpOAuthStore;
  readonly limits?: Partial<McpLimits>;
  /** Where browsers reach the API, if not where requests say. */
  readonly publicUrl?: string | null;
  /** Compiled entry of the process that watches over a server on stdio. */
  readonly guardEntry?: string;
  readonly resolveHost?: GuardedFetchOptions['resolveHost'];
}

/** Sessions with MCP servers; see the port for what each of its methods promises. */
export function createMcpConnections(options: McpConnectionsOptions): McpConnections {
  const { oauth, publicUrl } = options;
  const limits = { ...LIMITS, ...options.limits };
  const refusal = (config: McpConfig): string | null => configRefusal(config, options);
  const { open, http } = createOpener(options, limits);
  const pool = new SessionPool(limits);
  const refuse = ({ name, config }: McpTarget): void => {
    const reason = refusal(config);
    if (reason !== null)
      throw new AppError('INVALID_ARGUMENT', `MCP server '${name}' can't be used: ${reason}`);
  };
  // Several calls may wait for one session: a call that gives up must not take it from the others.
  const acquire = (target: McpTarget, signal: AbortSignal | undefined): Promise<McpSession> =>
    unlessAborted(pool.acquire(target, (onClosed) => open(target, { onClosed })), signal); // prettier-ignore

  return {
    refusal,
    async listTools(target, signal) {
      refuse(target);
      const listLimits = { timeoutMs: limits.listMs, signal };
      try {
        if (target.id === null) return await listOnce(await open(target, { signal }), listLimits);
        return await listTwice(() => acquire(target, signal), pool, listLimits);
      } catch (error) {
        throw signal?.aborted ? error : toAppError(target, toMcpFailure(error));
      }
    },
    async callTool(target, call, signal) {
      refuse(target);
      try {
        return await callTool(call, signal, { acquire: (stop) => acquire(target, stop), pool, limits });
      } catch (error) {
        if (signal.aborted) throw error;
        return failedCall(target, call, toMcpFailure(error));
      }
    },
    async beginAuthorization(target, { origin, path: callback }) {
      refuse(target);
      const { config } = target;
      if (config.type === 'stdio') throw new AppError('INVALID_ARGUMENT', 'Servers on stdio have no OAuth.');
      const redirectUrl = new URL(callback, publicUrl ?? origin).href;
      const connect = (provider: OAuthClientProvider) =>
        open(target, { provider }).then((session) => session.close());
      return beginAuthorization(oauth, { serverUrl: config.url, redirectUrl }, connect).catch(
        (error: unknown) => {
          throw toAppError(target, toMcpFailure(error));
        },
      );
    },
    finishAuthorization: (state, code) =>
      finishAuthorization(oauth, { state, code, fetch: http.fetchFor(() => undefined) }),
    forget: (serverId) => pool.forget(serverId),
    async close() {
      await pool.close();
      await http.close();
    },
  };
}

/** Reads the list of a server that is only tried out, over a session of its own. */
async function listOnce(session: McpSession, limits: RequestLimits): Promise<McpToolList> {
  return listTools(session, limits).finally(() => void session.close().catch(() => undefined)); // The answer is there.
}

/** A session may have been dead for long without anybody knowing; reading once more harms nobody. */
async function listTwice(
  acquire: () => Promise<McpSession>,
  pool: SessionPool,
  limits: RequestLimits,
): Promise<McpToolList> {
  const session = await acquire();
  return listTools(session, limits).catch(async (error: unknown) => {
    pool.drop(session);
    if (limits.signal?.aborted || toMcpFailure(error).kind === 'timeout') throw error;
    return listTools(await acquire(), limits);
  });
}

interface OpenOptions {
  readonly onClosed?: () => void;
  readonly signal?: AbortSignal | undefined;
  readonly provider?: OAuthClientProvider;
}

/** Begins sessions of every kind of server, over one guarded way into the network. */
function createOpener(
  { oauth, allowsPrivate, resolveHost, ...options }: McpConnectionsOptions,
  limits: McpLimits,
) {
  const { connectMs, flood } = limits;
  const guardEntry = options.guardEntry ?? path.join(__dirname, 'stdio-guard.js');
  const http = createGuardedHttp({ allowsPrivate, flood, ...(resolveHost && { resolveHost }) });
  async function open(
    { config }: McpTarget,
    { onClosed = () => undefined, signal, provider }: OpenOptions = {},
  ): Promise<McpSession> {
    // A token of the user's own counts before one that was agreed by OAuth.
    const known = config.type === 'stdio' || config.authToken !== null ? undefined : config.url;
    const authProvider =
      provider ?? (known === undefined ? undefined : await authorizedProvider(oauth, known));
    const fetch = http.fetchFor((requestId) => session.streamEnded(requestId));
    const way = createTransport(config, {
      fetch,
      authProvider,
      guardEntry,
      maxMessageBytes: flood.messageBytes,
    });
    const session = new McpSession(way, { connectMs, flood, onClosed });
    await session.connect(signal);
    return session;
  }
  return { open, http };
}
