import type { McpConnections, McpStore, McpToolCaller } from '../../domain/mcp';
import { resolveMcpVariables } from '../../domain/mcp-server';
import { toolError } from '../../domain/tool-failure';

/** Calls tools of type external_mcp: each with the configuration of its server as it is stored at that moment. */
export function createMcpToolCaller(
  store: Pick<McpStore, 'serverOf'>,
  connections: McpConnections,
): McpToolCaller {
  return {
    runs: ({ toolType }) => toolType === 'external_mcp',
    async call(tool, args, context) {
      const found = await store.serverOf(tool.id);
      if (!found) {
        throw toolError(
          'ValueError',
          `${tool.name} belongs to an MCP server that does not exist any more. Go on without it.`,
        );
      }
      const { server, name } = found;
      const target = { ...server, config: resolveMcpVariables(server.config, context.secrets) };
      const effects = context.effects ?? tool.effects ?? 'once';
      return connections.callTool(
        target,
        { name, args, effects, idempotencyKey: context.idempotencyKey },
        context.signal,
      );
    },
  };
}
