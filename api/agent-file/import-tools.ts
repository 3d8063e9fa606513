import { findToolsByName, isUserTool, upsertUserTool, type ToolFields } from '../../db/tools';
import type { Queryable } from '../../db/pool';
import { isJsonObject, type JsonObject } from '../../domain/agent';
import { newId } from '../../new-id';
import type { FileTool } from './schema';
import { badFile } from './upload';

/**
 * The tools of a file by their ids there. A user's tool is stored under its name, over one that exists if `overrides` says
 * so; the server's own tools are never changed, and those that it does not have are left out.
 */
export async function importTools(
  db: Queryable,
  tools: readonly FileTool[],
  { overrides }: { readonly overrides: boolean },
): Promise<ReadonlyMap<string, string>> {
  const known = await findToolsByName(
    db,
    tools.map(({ name }) => name),
  );
  const ids = new Map<string, string>();
  // Imports that run at once take the tools' rows in one order.
  for (const tool of [...tools].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const existing = known.find(({ name }) => name === tool.name);
    const isBuiltin = tool.tool_type?.startsWith('letta_') === true || (existing && !isUserTool(existing));
    if (existing && (isBuiltin || !overrides)) ids.set(tool.id, existing.id);
    else if (!isBuiltin)
      ids.set(tool.id, (await upsertUserTool(db, { ...toFields(tool), id: newId('tool') })).id);
  }
  return ids;
}

function toFields(tool: FileTool): ToolFields {
  const { json_schema: schema } = tool;
  if (!schema) throw badFile(`the tool '${tool.name}' has no json_schema`);
  const description = tool.description ?? schema.description ?? '';
  return {
    name: tool.name,
    toolType: tool.tool_type === 'external_mcp' ? 'external_mcp' : 'custom',
    description,
    sourceType: tool.source_type ?? 'python',
    sourceCode: tool.source_code ?? null,
    jsonSchema: {
      ...schema,
      name: tool.name,
      description: schema.description ?? description,
      parameters: parametersOf(tool) ?? { type: 'object', properties: {}, required: [] },
    },
    argsJsonSchema: tool.args_json_schema ?? null,
    tags: [...new Set(tool.tags ?? [])],
    returnCharLimit: tool.return_char_limit ?? 50_000,
    pipRequirements: tool.pip_requirements ?? null,
    npmRequirements: tool.npm_requirements ?? null,
    defaultRequiresApproval: tool.default_requires_approval ?? null,
    approvalExpiry: null,
    network: null,
    undo: null,
    enableParallelExecution: tool.enable_parallel_execution ?? false,
    effects: 'once',
    metadata: tool.metadata_ ?? {},
  };
}

// Servers before 1.0 added it to the arguments of every tool, and took it out again before the call.
const ADDED = 'request_heartbeat';

/** The parameters that a tool itself has. */
function parametersOf({ json_schema: schema, source_code: source }: FileTool): JsonObject | null | undefined {
  const parameters = schema?.parameters;
  const properties = parameters?.['properties'];
  if (!isJsonObject(properties) || !(ADDED in properties) || source?.includes(ADDED)) return parameters;
  const { [ADDED]: _, ...own } = properties;
  const required = parameters?.['required'];
  return {
    ...parameters,
    properties: own,
    ...(Array.isArray(required) && { required: required.filter((name) => name !== ADDED) }),
  };
}
