import { noteToolsError } from '../db/mcp-servers';
import { type McpToolChanges, storeMcpTools } from '../db/mcp-tools';
import { AppError } from '../domain/errors';
import type { McpServer, McpTarget } from '../domain/mcp-server';
import type { McpToolList } from '../domain/mcp';
import type { ApiDeps } from './deps';

type Deps = Pick<ApiDeps, 'db' | 'mcp'>;

// Less than the SDKs wait for an answer before they ask again.
const MAX_MS = 50_000;

/** Reads a server's list of tools, for as long as a client waits. */
export async function readMcpTools(
  mcp: Deps['mcp'],
  target: McpTarget,
  maxMs = MAX_MS,
): Promise<McpToolList> {
  const tooLong = AbortSignal.timeout(maxMs);
  try {
    return await mcp.listTools(target, tooLong);
  } catch (error) {
    if (!tooLong.aborted) throw error;
    throw new AppError(
      'MCP_TIMEOUT',
      `MCP server '${target.name}' gave no answer within ${maxMs / 1000} seconds.`,
    );
  }
}

/**
 * Reads a server's list and makes its stored tools those of the list. When the server can't be read its tools stay, and
 * why is kept with it.
 */
export async function refreshMcpTools(
  { db, mcp }: Deps,
  server: McpServer,
  maxMs = MAX_MS,
): Promise<McpToolChanges> {
  let list: McpToolList;
  try {
    list = await readMcpTools(mcp, server, maxMs);
  } catch (error) {
    if (error instanceof AppError) await noteToolsError(db, server.id, error.message);
    throw error;
  }
  return storeMcpTools(db, server, list.tools);
}
