import { createRequire } from 'node:module';
import type { McpConnections } from '../../domain/mcp';
import type * as Connections from './connections';
import { configRefusal } from './server-address';

/**
 * `createMcpConnections`, whose code is loaded by the first call that needs a server: the SDK of the protocol is a sixth of
 * what a process reads at its start, and a worker that takes over a turn is waited for.
 */
export function createLateMcpConnections(options: Connections.McpConnectionsOptions): McpConnections {
  let loaded: McpConnections | undefined;
  const connections = (): McpConnections => (loaded ??= load().createMcpConnections(options));
  return {
    refusal: (config) => configRefusal(config, options),
    listTools: (target, signal) => connections().listTools(target, signal),
    callTool: (target, call, signal) => connections().callTool(target, call, signal),
    beginAuthorization: (target, back) => connections().beginAuthorization(target, back),
    finishAuthorization: (state, code) => connections().finishAuthorization(state, code),
    forget: (serverId) => loaded?.forget(serverId),
    close: async () => loaded?.close(),
  };
}

const load = () => createRequire(__filename)('./connections') as typeof Connections; // its own type
