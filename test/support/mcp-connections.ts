import { transformFileSync } from '@swc/core';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { McpConnections } from '../../domain/mcp';
import type { McpConfig, McpHttpConfig, McpTarget } from '../../domain/mcp-server';
import type { McpConnectionsOptions } from '../../tools/mcp/connections';
import { createMcpConnections } from '../../tools/mcp/connections';

const ROOT = path.join(__dirname, '../..');
export const HOOK = path.join(ROOT, 'test/support/register-typescript.cjs');
export const STDIO_SERVER = path.join(ROOT, 'test/support/mcp-stdio-server.ts');

/** Nobody was ever authorized. */
const NO_OAUTH = { authorizedFor: () => Promise.resolve(null) } as unknown as McpConnectionsOptions['oauth'];

/** Connections to servers on loopback, with short limits, and what they leave behind. */
export function connectionsForTest(options: Partial<McpConnectionsOptions> = {}): McpConnections {
  const { limits, ...rest } = options;
  return createMcpConnections({
    oauth: NO_OAUTH,
    allowsStdio: true,
    allowsPrivate: true,
    limits: { connectMs: 10_000, listMs: 5_000, callMs: 5_000, reconnectMs: 5_000, ...limits },
    ...rest,
  });
}

export const target = (config: McpConfig, fields: Partial<McpTarget> = {}): McpTarget => ({
  id: 'mcp_server-1',
  name: 'scripted',
  version: 1,
  config,
  ...fields,
});
export const httpConfig = (url: string, fields: Partial<McpHttpConfig> = {}): McpHttpConfig => ({
  type: url.endsWith('/sse') ? 'sse' : 'streamable_http',
  url,
  authHeader: null,
  authToken: null,
  headers: {},
  ...fields,
});
export const stdioConfig = (log: string, env: Readonly<Record<string, string>> = {}): McpConfig => ({
  type: 'stdio',
  command: process.execPath,
  args: ['-r', HOOK, STDIO_SERVER, log],
  env,
});

/** The guard as a build makes it, and a folder for the logs of servers. */
export function compileGuard(): { readonly entry: string; readonly folder: string; remove(): void } {
  const cache = path.join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(path.join(cache, 'mcp-'));
  const entry = path.join(folder, 'stdio-guard.js');
  const source = path.join(ROOT, 'tools/mcp/stdio-guard.ts');
  writeFileSync(entry, transformFileSync(source, { configFile: path.join(ROOT, '.swcrc') }).code);
  return { entry, folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
