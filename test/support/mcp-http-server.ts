/* eslint-disable @typescript-eslint/no-deprecated -- servers of the older kind are still around */
import { SSEServerTransport } from '@modelcontextprotocol/sdk/server/sse.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createScriptedServer, type McpScript } from './mcp-tools';

/** A server of the MCP SDK on loopback: streamable HTTP at `/mcp`, the older event stream at `/sse`. */
export interface McpHttpServer {
  readonly url: string;
  readonly sseUrl: string;
  /** Headers of every request, oldest first. */
  readonly headers: http.IncomingHttpHeaders[];
  /** Open sessions. */
  readonly sessions: () => number;
  /** As if the process was killed: every connection breaks, every session is forgotten, nobody listens. */
  die(): Promise<void>;
  /** Listens again, at the same address. */
  rise(): Promise<void>;
}

export interface McpHttpOptions {
  /** Value that `authorization` must have. */
  readonly authorization?: string;
  /** Answers in one JSON instead of a stream. */
  readonly json?: boolean;
  /** Handles what it wants to before the SDK does. */
  readonly before?: (req: IncomingMessage, res: ServerResponse, body: unknown) => boolean | Promise<boolean>;
}

export async function startMcpHttpServer(
  script: McpScript,
  options: McpHttpOptions = {},
): Promise<McpHttpServer> {
  const headers: http.IncomingHttpHeaders[] = [];
  const streamable = new Map<string, StreamableHTTPServerTransport>();
  const sse = new Map<string, SSEServerTransport>();
  let port = 0;

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    headers.push(req.headers);
    const text = await bodyOf(req);
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    if (options.authorization !== undefined && req.headers.authorization !== options.authorization) {
      res.writeHead(401).end(`No entry with ${String(req.headers.authorization)}`);
      return;
    }
    if (await options.before?.(req, res, body)) return;
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://server');
    if (pathname === '/sse') return openStream(res);
    if (pathname === '/messages')
      return sse.get(searchParams.get('sessionId') ?? '')?.handlePostMessage(req, res, body);
    const id = req.headers['mcp-session-id'];
    if (typeof id === 'string') {
      const known = streamable.get(id);
      if (!known) {
        res.writeHead(404).end('Session not found');
        return;
      }
      return known.handleRequest(req, res, body);
    }
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      enableJsonResponse: options.json === true,
      onsessioninitialized: (started) => void streamable.set(started, transport),
    });
    transport.onclose = () => void streamable.delete(transport.sessionId ?? '');
    await createScriptedServer(script).connect(transport);
    await transport.handleRequest(req, res, body);
  }

  async function openStream(res: ServerResponse): Promise<void> {
    const transport = new SSEServerTransport('/messages', res);
    sse.set(transport.sessionId, transport);
    transport.onclose = () => void sse.delete(transport.sessionId);
    await createScriptedServer(script).connect(transport);
  }

  let server = http.createServer();
  async function rise(): Promise<void> {
    server = http.createServer((req, res) => void handle(req, res).catch(() => res.destroy()));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  }
  await rise();
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    sseUrl: `http://127.0.0.1:${port}/sse`,
    headers,
    sessions: () => streamable.size + sse.size,
    async die() {
      streamable.clear();
      sse.clear();
      server.closeAllConnections();
      if (server.listening) await new Promise((closed) => server.close(closed));
    },
    rise,
  };
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of req as AsyncIterable<Buffer>) text += chunk.toString();
  return text;
}
