import { Router } from 'express';
import type { Request, Response } from 'express';
import { keepOwnEffects } from '../../db/mcp-tools';
import {
  countTools,
  deleteTool,
  findToolsByName,
  getTool,
  isUserTool,
  listTools,
  toolNotFound,
  updateTool,
  upsertUserTool,
} from '../../db/tools';
import type { Queryable } from '../../db/pool';
import { AppError } from '../../domain/errors';
import type { Tool } from '../../domain/tool';
import { newId } from '../../new-id';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { addTrialRoute } from './tool-trials';
import {
  CreateToolBody,
  fromWireTool,
  fromWireToolUpdate,
  sourceToRead,
  toWireTool,
  UpdateToolBody,
} from '../wire/tool';
import { fromWireToolFilter, ListToolsQuery, ToolFilterQuery } from '../wire/tool-filter';
import { parseBody, parseQuery } from '../wire/validation';

// More than there will ever be built-in tools.
const ALL = { before: undefined, after: undefined, limit: 1000, order: 'asc' } as const;

/** The tools that agents can be given: built-in ones and those that users wrote. */
export function toolRoutes({ db, deriveSchema, turns }: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { toolId: 'tool' });

  const derived = async (body: UpdateToolBody, stored?: Tool) => {
    const source = sourceToRead(body, stored);
    return source && deriveSchema({ ...source, name: null });
  };

  // As in the original, creating a tool under a name that exists replaces that tool.
  const upsert = async (req: Request, res: Response) => {
    const body = parseBody(CreateToolBody, req.body);
    const tool = fromWireTool(body, await derived(body));
    await requireUndo(db, tool);
    res.json(toWireTool(await upsertUserTool(db, { ...tool, id: newId('tool') })));
  };
  router.post('/tools', upsert);
  router.put('/tools', upsert);

  router.get('/tools', async (req, res) => {
    const query = parseQuery(ListToolsQuery, req.query);
    res.json((await listTools(db, fromWireToolFilter(query), query)).map(toWireTool));
  });

  router.get('/tools/count', async (req, res) => {
    res.json(await countTools(db, fromWireToolFilter(parseQuery(ToolFilterQuery, req.query))));
  });

  /** Older clients ask for this before their first agent. The server adds its tools at start; here it lists them. */
  router.post('/tools/add-base-tools', async (_req, res) => {
    res.json((await listTools(db, { onlyLetta: true }, ALL)).map(toWireTool));
  });

  addTrialRoute(router, { db, deriveSchema, turns });

  router.get('/tools/:toolId', async (req, res) => {
    res.json(toWireTool(await getTool(db, req.params.toolId)));
  });

  router.patch('/tools/:toolId', async (req, res) => {
    const body = parseBody(UpdateToolBody, req.body);
    const tool = await getTool(db, req.params.toolId);
    if (!isUserTool(tool)) refuseOverwriting(tool, body);
    if (body.effects) await keepOwnEffects(db, tool.id);
    const patch = fromWireToolUpdate(body, tool, await derived(body, tool));
    await requireUndo(db, patch);
    res.json(toWireTool(await updateTool(db, tool.id, patch)));
  });

  router.delete('/tools/:toolId', async (req, res) => {
    const tool = await getTool(db, req.params.toolId);
    if (!isUserTool(tool)) throw builtin(tool, 'deleted. Detach it from the agents that should not have it');
    if (!(await deleteTool(db, tool.id))) throw toolNotFound(tool.id);
    res.json(null);
  });

  return router;
}

// What a built-in tool is and does belongs to the server; how it is used is the user's to decide.
const OWN_FIELDS = [
  'source_code', 'source_type', 'json_schema', 'args_json_schema', 'description', 'effects', 'enable_parallel_execution',
  'pip_requirements', 'npm_requirements', 'metadata_',
] as const; // prettier-ignore

function refuseOverwriting(tool: Tool, body: UpdateToolBody): void {
  const field = OWN_FIELDS.find((name) => body[name] !== undefined && body[name] !== null);
  if (field !== undefined) throw builtin(tool, `overwritten: leave \`${field}\` out`);
}

/** A name that no tool has would be noticed when it is too late. */
async function requireUndo(db: Queryable, { undo }: { readonly undo?: string | null }): Promise<void> {
  if (!undo || (await findToolsByName(db, [undo])).length > 0) return;
  throw new AppError(
    'INVALID_ARGUMENT',
    `INVALID_ARGUMENT: There is no tool named '${undo}' to be the \`undo\` of this one. Create that one first.`,
  );
}

const builtin = (tool: Tool, what: string): AppError =>
  new AppError(
    'INVALID_ARGUMENT',
    `INVALID_ARGUMENT: '${tool.name}' is a built-in tool, which cannot be ${what}.`,
  );
