import type { McpConfig, McpServer, McpTarget } from './mcp-server';
import type { DeclaredMcpTool } from './mcp-tool';
import type { Tool, ToolCallContext, ToolOutcome } from './tool';
import type { ToolArguments } from './tool-arguments';

// What the API and the runner of tools may ask of servers of the Model Context Protocol. Implemented in tools/mcp/.

/** A server's list of tools as it was read. */
export interface McpToolList {
  readonly tools: readonly DeclaredMcpTool[];
  /** Entries that no model could be offered. */
  readonly unusable: number;
}

/** A call of a server's tool by the server's own name of it. */
export interface McpCall {
  readonly name: string;
  readonly args: ToolArguments;
  readonly effects: Tool['effects'];
  /** Reaches the server in `_meta`, the same in every attempt. */
  readonly idempotencyKey: string;
  readonly timeoutMs?: number;
}

/** Sessions with servers. What goes wrong is an `MCP_UNAVAILABLE`, `MCP_TIMEOUT` or `MCP_UNAUTHORIZED` without secrets. */
export interface McpConnections {
  /** Why a server may not be used at all (its address is not public, stdio is off); null if it may. Asks nobody. */
  refusal(config: McpConfig): string | null;
  listTools(target: McpTarget, signal?: AbortSignal): Promise<McpToolList>;
  /**
   * Calls a tool. What the server says of it is an outcome. `OUTCOME_UNKNOWN` when the call was sent, may have acted and
   * got no answer; it is repeated only where its effects allow that.
   */
  callTool(target: McpTarget, call: McpCall, signal: AbortSignal): Promise<ToolOutcome>;
  /**
   * Asks the server's authorization server for a page on which a user grants access; null when none is needed. Users come
   * back to `path` below the address that the installation is known by, or else below `origin`.
   */
  beginAuthorization(
    target: McpTarget,
    back: { readonly origin: string; readonly path: string },
  ): Promise<McpAuthorization | null>;
  /** Turns the code that came back with `state` into tokens, once. */
  finishAuthorization(state: string, code: string): Promise<{ readonly serverUrl: string }>;
  /** Ends the sessions with a server whose row is gone. */
  forget(serverId: string): void;
  /** Ends every session and every child process. */
  close(): Promise<void>;
}
export interface McpAuthorization {
  readonly state: string;
  readonly url: string;
}

/** The tools of servers as the runner of tools knows them. */
export interface McpToolCaller {
  /** Whether the tool is one of theirs. */
  runs(tool: Partial<Pick<Tool, 'toolType'>>): boolean;
  call(
    tool: Pick<Tool, 'id' | 'name'> & Partial<Pick<Tool, 'effects'>>,
    args: ToolArguments,
    context: Pick<ToolCallContext, 'effects' | 'secrets' | 'idempotencyKey' | 'signal'>,
  ): Promise<ToolOutcome>;
}

/** What sessions keep in the database. Implemented in db/. */
export interface McpStore {
  /** The server behind a tool and the server's own name of the tool; null when either is gone. */
  serverOf(toolId: string): Promise<{ readonly server: McpServer; readonly name: string } | null>;
  readonly oauth: McpOAuthStore;
}

/** One authorization with a server; the JSON is the SDK's. */
export interface McpOAuthSession {
  readonly state: string;
  readonly serverUrl: string;
  readonly redirectUrl: string;
  readonly status: 'pending' | 'authorized' | 'failed';
  readonly client: unknown;
  readonly tokens: unknown;
  readonly verifier: string | null;
  readonly discovery: unknown;
  readonly error: string | null;
}
export type McpOAuthPatch = Partial<
  Pick<McpOAuthSession, 'status' | 'client' | 'tokens' | 'verifier' | 'discovery' | 'error'>
>;
export interface McpOAuthStore {
  begin(session: Pick<McpOAuthSession, 'state' | 'serverUrl' | 'redirectUrl'>): Promise<void>;
  byState(state: string): Promise<McpOAuthSession | null>;
  /** The newest authorization of an address that was granted. */
  authorizedFor(serverUrl: string): Promise<McpOAuthSession | null>;
  save(state: string, patch: McpOAuthPatch): Promise<void>;
  /** Forgets tokens that turned out to be void, unless another process has replaced them meanwhile. */
  dropTokens(state: string, tokens: unknown): Promise<void>;
}
