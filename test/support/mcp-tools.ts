/* eslint-disable @typescript-eslint/no-deprecated -- the other class checks what servers declare; these must be free to lie */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  ListToolsRequestSchema,
  type CallToolResult,
} from '@modelcontextprotocol/sdk/types.js';

/** One call as a server saw it. */
export interface SeenCall {
  readonly tool: string;
  readonly args: Record<string, unknown>;
  readonly key: unknown;
}

/** What the servers of the tests can do, and what they were asked for. */
export interface McpScript {
  /** The list that servers give out. Tests change it. */
  tools: Record<string, unknown>[];
  readonly calls: SeenCall[];
  /** Says what a tool answers; without an answer a tool repeats its arguments. */
  answer?: (
    call: SeenCall,
    signal: AbortSignal,
  ) => Promise<CallToolResult | undefined> | CallToolResult | undefined;
}

const input = { type: 'object', properties: { label: { type: 'string' } }, required: ['label'] };
export const declare = (name: string, annotations?: object, more: object = {}): Record<string, unknown> => ({
  name,
  description: `What ${name} does.`,
  inputSchema: { $schema: 'http://json-schema.org/draft-07/schema#', ...input },
  ...(annotations && { annotations }),
  ...more,
});

export const createScript = (): McpScript => ({
  tools: [
    declare('look', { readOnlyHint: true }),
    declare('put', { readOnlyHint: false, idempotentHint: true }),
    declare('charge'),
  ],
  calls: [],
});

/** A script whose tools tell a counting target (counting-target.ts) of their calls, and answer what it answers. */
export function countingScript(targetUrl: string): McpScript {
  return {
    ...createScript(),
    async answer({ tool, args, key }) {
      const answer = await fetch(`${targetUrl}/${tool}/${String(args['label'])}`, {
        method: 'POST',
        headers: { 'idempotency-key': String(key) },
      });
      return { content: [{ type: 'text', text: await answer.text() }] };
    },
  };
}

/** A server of the SDK that follows the script: one for each session. */
export function createScriptedServer(script: McpScript): Server {
  const server = new Server(
    { name: 'scripted', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true } } },
  );
  // Two to a page, so that every reader must turn pages.
  server.setRequestHandler(ListToolsRequestSchema, ({ params }) => {
    const from = Number(params?.cursor ?? 0);
    const tools = script.tools.slice(from, from + 2) as never; // tests declare what servers would
    return { tools, ...(from + 2 < script.tools.length && { nextCursor: String(from + 2) }) };
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    const call = {
      tool: params.name,
      args: params.arguments ?? {},
      key: params._meta?.['everturn/idempotency-key'],
    };
    script.calls.push(call);
    const answer = await script.answer?.(call, signal);
    return answer ?? { content: [{ type: 'text', text: `${call.tool} ${JSON.stringify(call.args)}` }] };
  });
  return server;
}
