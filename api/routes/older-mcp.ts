import { Router } from 'express';
import type { Request } from 'express';
import {
  createMcpServer,
  deleteMcpServer,
  getMcpServerByName,
  listMcpServers,
  updateMcpServer,
} from '../../db/mcp-servers';
import { findMcpTool } from '../../db/mcp-tools';
import { AppError } from '../../domain/errors';
import type { McpToolList } from '../../domain/mcp';
import type { McpTarget } from '../../domain/mcp-server';
import { newId } from '../../new-id';
import type { ApiDeps } from '../deps';
import { readMcpTools, refreshMcpTools } from '../mcp-tool-list';
import { runTrial } from '../run-by-hand';
import {
  fromOlderBody,
  parseMcpServer,
  parseMcpServerUpdate,
  RunMcpToolBody,
  toWireOlderMcpServer,
} from '../wire/mcp-server';
import { toWireTool } from '../wire/tool';
import { parseBody } from '../wire/validation';
import { notRefreshed, refuse } from './mcp-servers';

const path = '/tools/mcp/servers';

/** The routes by a server's name that Letta Code and older clients use, over the same servers. */
export function olderMcpRoutes({ db, mcp, turns }: ApiDeps): Router {
  const router = Router();
  const all = async () => (await listMcpServers(db)).map(toWireOlderMcpServer);

  router.get(path, async (_req, res) => {
    res.json(Object.fromEntries((await all()).map((server) => [server.server_name, server])));
  });

  router.put(path, async (req, res) => {
    const { name, config } = parseMcpServer(fromOlderBody(req.body), (each) => mcp.refusal(each));
    refuse(mcp, config);
    const server = await createMcpServer(db, { id: newId('mcp_server'), name, config });
    await refreshMcpTools({ db, mcp }, server).catch(unlessApp); // The server says why.
    res.json(await all());
  });

  router.post(`${path}/test`, async (req, res) => {
    const list = await readMcpTools(mcp, olderTarget(mcp, req));
    res.json({ status: 'success', tools: declared(list) });
  });

  router.patch(`${path}/:serverName`, async (req, res) => {
    const { id, config } = await getMcpServerByName(db, req.params.serverName);
    const body = fromOlderBody(withType(req.body, config.type), req.params.serverName);
    const change = parseMcpServerUpdate(withAddress(body), (each) => mcp.refusal(each));
    const server = await updateMcpServer(db, id, (before) => {
      const after = change(before);
      refuse(mcp, after.config);
      return after;
    });
    res.json(toWireOlderMcpServer(server));
  });

  router.delete(`${path}/:serverName`, async (req, res) => {
    const { id } = await getMcpServerByName(db, req.params.serverName);
    await deleteMcpServer(db, id);
    mcp.forget(id);
    res.json(await all());
  });

  addOlderToolRoutes(router, { db, mcp, turns });
  return router;
}

function addOlderToolRoutes(router: Router, { db, mcp, turns }: Pick<ApiDeps, 'db' | 'mcp' | 'turns'>): void {
  router.get(`${path}/:serverName/tools`, async (req, res) => {
    const server = await getMcpServerByName(db, req.params.serverName);
    res.json(declared(await readMcpTools(mcp, server)));
  });

  router.post(`${path}/:serverName/resync`, async (req, res) => {
    const server = await getMcpServerByName(db, req.params.serverName);
    const { deleted, updated, added } = await refreshMcpTools({ db, mcp }, server).catch(
      notRefreshed(server.name, server.toolsReadAt),
    );
    res.json({ deleted, updated, added });
  });

  /** Its tools are stored with the server; one that came later is stored now. */
  router.post(`${path}/:serverName/:toolName`, async (req, res) => {
    const { serverName, toolName } = req.params;
    const server = await getMcpServerByName(db, serverName);
    let tool = await findMcpTool(db, server.id, toolName);
    if (!tool) {
      await refreshMcpTools({ db, mcp }, server);
      tool = await findMcpTool(db, server.id, toolName);
    }
    if (!tool) throw noSuchTool(serverName, toolName);
    res.json(toWireTool(tool));
  });

  router.post(`${path}/:serverName/tools/:toolName/execute`, async (req, res) => {
    const { serverName, toolName } = req.params;
    const { args } = parseBody(RunMcpToolBody, req.body ?? {});
    const server = await getMcpServerByName(db, serverName);
    const tool = await findMcpTool(db, server.id, toolName);
    if (!tool) throw noSuchTool(serverName, toolName);
    const {
      outcome: { status, result },
    } = await runTrial({ db, turns }, req, { tool, args });
    res.json({ result, success: status === 'success' });
  });
}

/** The server that a request describes without storing it. */
export function olderTarget(mcp: ApiDeps['mcp'], req: Request): McpTarget {
  const { name, config } = parseMcpServer(fromOlderBody(req.body), (each) => mcp.refusal(each));
  refuse(mcp, config);
  return { id: null, name, config, version: 0 };
}

/** The tools in the words of their server. */
export const declared = ({ tools }: McpToolList): readonly unknown[] => tools.map((tool) => tool.declared);

function unlessApp(error: unknown): void {
  if (!(error instanceof AppError)) throw error;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const withType = (body: unknown, type: string): unknown => (isObject(body) ? { type, ...body } : body);

// An older update may leave out what the newer form wants to see, if only as null.
function withAddress(body: unknown): unknown {
  if (!isObject(body) || !isObject(body['config'])) return body;
  return { ...body, config: { server_url: null, command: null, args: null, ...body['config'] } };
}

const noSuchTool = (serverName: string, toolName: string): AppError =>
  new AppError(
    'INVALID_ARGUMENT',
    `INVALID_ARGUMENT: Tool ${toolName} not found in MCP server ${serverName}. List its tools to see which exist.`,
  );
