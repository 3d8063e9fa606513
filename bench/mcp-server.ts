import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { startMcpHttpServer } from '../test/support/mcp-http-server';
import { createScript, createScriptedServer } from '../test/support/mcp-tools';

/** An MCP server as a process of its own: on stdio when asked to, else over HTTP at the address that it tells its parent. */
async function main(): Promise<void> {
  const script = createScript();
  if (process.argv[2] === 'stdio') {
    await createScriptedServer(script).connect(new StdioServerTransport());
    return;
  }
  const { url } = await startMcpHttpServer(script);
  process.send?.({ url });
  process.once('disconnect', () => process.exit(0));
}

void main();
