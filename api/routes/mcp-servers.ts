import { Router } from 'express';
import {
  createMcpServer,
  deleteMcpServer,
  getMcpServer,
  listMcpServers,
  updateMcpServer,
} from '../../db/mcp-servers';
import { getMcpTool, listMcpTools } from '../../db/mcp-tools';
import { AppError } from '../../domain/errors';
import type { McpConfig } from '../../domain/mcp-server';
import { newId } from '../../new-id';
import type { ApiDeps } from '../deps';
import { refreshMcpTools } from '../mcp-tool-list';
import { runTrial } from '../run-by-hand';
import { parseMcpServer, parseMcpServerUpdate, RunMcpToolBody, toWireMcpServer } from '../wire/mcp-server';
import { toWireTool, toWireToolResult } from '../wire/tool';
import { parseBody } from '../wire/validation';

// A server that is slow to begin does not hold up its creation for longer.
const FIRST_LIST_MS = 25_000;

/** Servers of the Model Context Protocol and their tools. */
export function mcpServerRoutes({ db, mcp, turns, log }: ApiDeps): Router {
  const router = Router();

  /** Its tools are stored at once, if it can be reached; if not, the server exists all the same and says why. */
  router.post('/mcp-servers', async (req, res) => {
    const { name, config } = parseMcpServer(req.body, (each) => mcp.refusal(each));
    refuse(mcp, config);
    const server = await createMcpServer(db, { id: newId('mcp_server'), name, config });
    await refreshMcpTools({ db, mcp }, server, FIRST_LIST_MS).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      log.info({ mcpServer: name, reason: error.message }, "a new MCP server's tools could not be read");
    });
    res.json(toWireMcpServer(await getMcpServer(db, server.id)));
  });

  router.get('/mcp-servers', async (_req, res) => {
    res.json((await listMcpServers(db)).map(toWireMcpServer));
  });

  router.get('/mcp-servers/:mcpServerId', async (req, res) => {
    res.json(toWireMcpServer(await getMcpServer(db, req.params.mcpServerId)));
  });

  router.patch('/mcp-servers/:mcpServerId', async (req, res) => {
    const change = parseMcpServerUpdate(req.body, (each) => mcp.refusal(each));
    const server = await updateMcpServer(db, req.params.mcpServerId, (before) => {
      const after = change(before);
      refuse(mcp, after.config);
      return after;
    });
    res.json(toWireMcpServer(server));
  });

  router.delete('/mcp-servers/:mcpServerId', async (req, res) => {
    await deleteMcpServer(db, req.params.mcpServerId);
    mcp.forget(req.params.mcpServerId);
    res.status(204).end();
  });

  router.patch('/mcp-servers/:mcpServerId/refresh', async (req, res) => {
    const server = await getMcpServer(db, req.params.mcpServerId);
    const { deleted, updated, added } = await refreshMcpTools({ db, mcp }, server).catch(
      notRefreshed(server.name, server.toolsReadAt),
    );
    res.json({ deleted, updated, added });
  });

  router.get('/mcp-servers/:mcpServerId/tools', async (req, res) => {
    const server = await getMcpServer(db, req.params.mcpServerId);
    res.json((await listMcpTools(db, server.id)).map(toWireTool));
  });

  router.get('/mcp-servers/:mcpServerId/tools/:toolId', async (req, res) => {
    const { mcpServerId, toolId } = req.params;
    res.json(toWireTool(await getMcpTool(db, mcpServerId, toolId)));
  });

  router.post('/mcp-servers/:mcpServerId/tools/:toolId/run', async (req, res) => {
    const { args } = parseBody(RunMcpToolBody, req.body ?? {});
    const server = await getMcpServer(db, req.params.mcpServerId);
    const tool = await getMcpTool(db, server.id, req.params.toolId);
    const { outcome } = await runTrial({ db, turns }, req, { tool, args });
    res.json(toWireToolResult(outcome));
  });

  return router;
}

/** INVALID_ARGUMENT for a server that this installation does not allow. */
export function refuse(mcp: ApiDeps['mcp'], config: McpConfig): void {
  const reason = mcp.refusal(config);
  if (reason !== null) throw new AppError('INVALID_ARGUMENT', `INVALID_ARGUMENT: ${reason}`);
}

/** What the original answers when a server can't be read, with when that last worked. */
export const notRefreshed =
  (name: string, readAt: Date | null) =>
  (error: unknown): never => {
    if (!(error instanceof AppError) || !error.code.startsWith('MCP_')) throw error;
    const since =
      readAt === null ? 'It has no tools yet.' : `Its tools are those of ${readAt.toISOString()}.`;
    throw new AppError('NOT_FOUND', error.message, {
      cause: error,
      facts: {
        detail: {
          code: 'MCPServerUnavailable',
          message: `Could not connect to MCP server ${name} to resync tools. ${since}`,
          error: error.message,
          tools_read_at: readAt?.toISOString() ?? null,
        },
      },
    });
  };
