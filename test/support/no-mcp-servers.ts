import { AppError } from '../../domain/errors';
import type { McpConnections } from '../../domain/mcp';

const unreachable = (): Promise<never> =>
  Promise.reject(new AppError('MCP_UNAVAILABLE', 'There is no such server.'));

/** For tests that have nothing to do with MCP: none of its servers can be reached. */
export const noMcpServers: McpConnections = {
  refusal: () => null,
  listTools: unreachable,
  callTool: unreachable,
  beginAuthorization: unreachable,
  finishAuthorization: unreachable,
  forget: () => undefined,
  close: () => Promise.resolve(),
};
