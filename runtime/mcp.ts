import type { Config } from '../config';
import { createMcpStore } from '../db/mcp-store';
import type { Pool } from '../db/pool';
import type { McpConnections, McpToolCaller } from '../domain/mcp';
import { createLateMcpConnections } from '../tools/mcp/late-connections';
import { createMcpToolCaller } from '../tools/mcp/tool-caller';

/** The MCP servers of an installation: for the API, and for the worker's tools. */
export function createMcp(
  { mcp: { callMs, ...allowed }, publicUrl }: Config,
  pool: Pool,
): { readonly connections: McpConnections; readonly caller: McpToolCaller } {
  const store = createMcpStore(pool);
  const connections = createLateMcpConnections({
    oauth: store.oauth,
    limits: { callMs },
    publicUrl,
    ...allowed,
  });
  return { connections, caller: createMcpToolCaller(store, connections) };
}
