import { z } from 'zod';
import type { McpToolList } from '../../domain/mcp';
import { type DeclaredMcpTool, readMcpTool } from '../../domain/mcp-tool';
import { McpFailure } from './failures';
import type { McpSession } from './session';

const ToolPage = z.object({ tools: z.array(z.unknown()), nextCursor: z.string().nullish() });
const MAX_PAGES = 50;
const MAX_TOOLS = 1_000;

/** Reads a server's whole list, page by page. Entries that can't be offered to a model are counted and left out. */
export async function listTools(
  session: McpSession,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined },
): Promise<McpToolList> {
  const deadline = Date.now() + timeoutMs;
  const tools = new Map<string, DeclaredMcpTool>();
  let unusable = 0;
  let cursor: string | null | undefined;
  for (let page = 0; page < MAX_PAGES; page++) {
    const left = Math.max(1, deadline - Date.now());
    const answer = await session.request('tools/list', cursor ? { cursor } : {}, ToolPage, {
      timeoutMs: left,
      signal,
    });
    for (const entry of answer.tools) {
      const tool = readMcpTool(entry);
      if (tool) tools.set(tool.name, tool);
      else unusable += 1;
    }
    if (tools.size + unusable > MAX_TOOLS) break;
    cursor = answer.nextCursor;
    if (!cursor) return { tools: [...tools.values()], unusable };
  }
  throw new McpFailure(
    'garbage',
    `its list of tools has no end: more than ${MAX_TOOLS} tools or ${MAX_PAGES} pages`,
  );
}
