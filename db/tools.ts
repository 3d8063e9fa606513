import type { ApprovalExpiry } from '../domain/approval';
import { AppError } from '../domain/errors';
import type { BuiltinTool, Tool, ToolEffects, ToolJsonSchema } from '../domain/tool';
import { derivedId } from '../new-id';
import { type Columns, insertRow, updateSet } from './columns';
import { allOf, type Conditions, createConditions, likePattern, type Page, selectPage } from './keyset';
import { inTransaction, type Pool, type Queryable } from './pool';

/** What a caller decides about a tool; the database adds the rest. */
export type ToolFields = Omit<Tool, 'id' | 'createdAt' | 'updatedAt'>;
export type ToolPatch = Partial<ToolFields>;

/**
 * What an agent's calls of a tool may do: the agent's word, else the tool's. SQL over `t`, the tool, and `at`, its place on
 * the agent. Nobody can make a tool transactional, or one that is anything else.
 */
export const EFFECTS_FOR_AGENT = `case when t.effects = 'transactional' then t.effects else coalesce(at.effects, t.effects) end`;

/**
 * What answers an agent's calls of a tool when no human does: the agent's word, else the tool's. An agent's `never` is
 * stored as JSON null, so that it counts before the tool's policy.
 */
export const EXPIRY_FOR_AGENT = `nullif(coalesce(at.approval_expiry, t.approval_expiry), 'null')`;

/** Tools of these types are written by users; all others belong to the server. */
export const isUserTool = (tool: Pick<Tool, 'toolType'>): boolean => USER_TYPES.includes(tool.toolType);
const USER_TYPES: readonly string[] = ['custom', 'external_mcp'];

const COLUMNS: Columns<ToolFields> = {
  name: ['name'],
  toolType: ['tool_type'],
  description: ['description'],
  sourceType: ['source_type'],
  sourceCode: ['source_code'],
  jsonSchema: ['json_schema', 'jsonb'],
  argsJsonSchema: ['args_json_schema', 'jsonb'],
  tags: ['tags'],
  returnCharLimit: ['return_char_limit'],
  pipRequirements: ['pip_requirements', 'jsonb'],
  npmRequirements: ['npm_requirements', 'jsonb'],
  defaultRequiresApproval: ['default_requires_approval'],
  approvalExpiry: ['approval_expiry', 'jsonb'],
  undo: ['undo'],
  enableParallelExecution: ['enable_parallel_execution'],
  effects: ['effects'],
  network: ['network'],
  metadata: ['metadata', 'jsonb'],
};

export interface ToolRow {
  readonly id: string;
  readonly name: string;
  readonly tool_type: string;
  readonly description: string;
  readonly source_type: string;
  readonly source_code: string | null;
  readonly json_schema: ToolJsonSchema;
  readonly args_json_schema: Record<string, unknown> | null;
  readonly tags: string[];
  readonly return_char_limit: number;
  readonly pip_requirements: Record<string, unknown>[] | null;
  readonly npm_requirements: Record<string, unknown>[] | null;
  readonly default_requires_approval: boolean | null;
  readonly approval_expiry: ApprovalExpiry | null;
  readonly undo: string | null;
  readonly enable_parallel_execution: boolean;
  readonly effects: ToolEffects;
  readonly network: boolean | null;
  readonly metadata: Record<string, unknown>;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const toTool = (row: ToolRow): Tool => ({
  id: row.id,
  name: row.name,
  toolType: row.tool_type,
  description: row.description,
  sourceType: row.source_type,
  sourceCode: row.source_code,
  jsonSchema: row.json_schema,
  argsJsonSchema: row.args_json_schema,
  tags: row.tags,
  returnCharLimit: row.return_char_limit,
  pipRequirements: row.pip_requirements,
  npmRequirements: row.npm_requirements,
  defaultRequiresApproval: row.default_requires_approval,
  approvalExpiry: row.approval_expiry,
  undo: row.undo,
  enableParallelExecution: row.enable_parallel_execution,
  effects: row.effects,
  network: row.network,
  metadata: row.metadata,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

export const toolNotFound = (id: string): AppError =>
  new AppError('NOT_FOUND', `Tool not found with id='${id}'. List the tools to see which exist.`);

/**
 * Stores a user's tool under its name, replacing the user's tool of that name, which keeps its id and place on its
 * agents, and its tags unless there are others. A built-in tool of that name is left alone: INVALID_ARGUMENT.
 */
export async function upsertUserTool(
  db: Queryable,
  tool: ToolFields & { readonly id: string },
): Promise<Tool> {
  const { text, values } = insertRow('tools', COLUMNS, tool);
  const replaced = Object.values(COLUMNS)
    .filter(([column]) => column !== 'tags')
    .map(([column]) => `"${column}" = excluded."${column}"`);
  const { rows } = await db.query<ToolRow>(
    `${text}
     on conflict (name) do update
        set ${replaced.join(', ')}, updated_at = now(),
            tags = case when excluded.tags = '{}' then tools.tags else excluded.tags end
      where tools.tool_type = any($${values.length + 1})
     returning *`,
    [...values, USER_TYPES],
  );
  if (rows[0]) return toTool(rows[0]);
  throw new AppError(
    'INVALID_ARGUMENT',
    `'${tool.name}' is the name of a built-in tool, which cannot be overwritten. Choose another name.`,
  );
}

/**
 * Makes the stored built-in tools equal to the catalogue; what users set on them (approval, character limit, tags)
 * stays. Every process runs it at start, those that start at once one after the other: an upsert by name would still
 * collide on the id. A user's tool of the same name is left alone.
 */
export function ensureBuiltinTools(pool: Pool, tools: readonly BuiltinTool[]): Promise<void> {
  return inTransaction(pool, async (db) => {
    await db.query(`select pg_advisory_xact_lock(hashtext('everturn.builtin-tools'))`);
    await upsertBuiltinTools(db, tools);
  });
}

async function upsertBuiltinTools(db: Queryable, tools: readonly BuiltinTool[]): Promise<void> {
  for (const tool of tools) {
    const { text, values } = insertRow('tools', COLUMNS, {
      id: derivedId('tool', 'builtin', tool.name),
      name: tool.name,
      toolType: tool.toolType,
      description: tool.description,
      sourceType: 'python',
      sourceCode: null,
      jsonSchema: { name: tool.name, description: tool.description, parameters: tool.parameters },
      argsJsonSchema: null,
      tags: [tool.toolType],
      returnCharLimit: DEFAULT_RETURN_CHAR_LIMIT,
      pipRequirements: null,
      npmRequirements: null,
      defaultRequiresApproval: null,
      approvalExpiry: null,
      undo: null,
      enableParallelExecution: tool.enableParallelExecution,
      effects: tool.effects,
      network: null,
      metadata: {},
    });
    const declared = ['tool_type', 'description', 'json_schema', 'enable_parallel_execution', 'effects'];
    await db.query(
      `${text}
       on conflict (name) do update
          set ${declared.map((column) => `${column} = excluded.${column}`).join(', ')}
        where not tools.tool_type = any($${values.length + 1})`,
      [...values, USER_TYPES],
    );
  }
}

export const DEFAULT_RETURN_CHAR_LIMIT = 50_000;

/** The tool with this id; NOT_FOUND without one. */
export async function getTool(db: Queryable, id: string): Promise<Tool> {
  const { rows } = await db.query<ToolRow>('select * from tools where id = $1', [id]);
  if (!rows[0]) throw toolNotFound(id);
  return toTool(rows[0]);
}

/** Writes the given fields of a tool; NOT_FOUND without one, CONFLICT when the new name is taken. */
export async function updateTool(db: Queryable, id: string, patch: ToolPatch): Promise<Tool> {
  const { set, values } = updateSet(COLUMNS, patch, 2);
  const { rows } = await db
    .query<ToolRow>(
      `update tools set ${set === '' ? '' : `${set}, `}updated_at = now() where id = $1 returning *`,
      [id, ...values],
    )
    .catch((error: unknown) => {
      if (!(error instanceof Error) || !('constraint' in error) || error.constraint !== 'unique_tool_name')
        throw error;
      throw new AppError('CONFLICT', `Another tool is named '${patch.name}'. Choose another name.`, {
        cause: error,
      });
    });
  if (!rows[0]) throw toolNotFound(id);
  return toTool(rows[0]);
}

/** Deletes a tool and takes it from every agent. False when there was none. */
export async function deleteTool(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query('delete from tools where id = $1', [id]);
  return rowCount === 1;
}

/** The tools with these ids, in no particular order; ids without a tool are left out. */
export async function findTools(db: Queryable, ids: readonly string[]): Promise<readonly Tool[]> {
  const { rows } = await db.query<ToolRow>('select * from tools where id = any($1)', [ids]);
  return rows.map(toTool);
}

/** The tools with these names, in no particular order; names without a tool are left out. */
export async function findToolsByName(db: Queryable, names: readonly string[]): Promise<readonly Tool[]> {
  const { rows } = await db.query<ToolRow>('select * from tools where name = any($1)', [names]);
  return rows.map(toTool);
}

export interface ToolFilter {
  readonly name?: string | undefined;
  readonly names?: readonly string[] | undefined;
  readonly ids?: readonly string[] | undefined;
  readonly search?: string | undefined;
  readonly types?: readonly string[] | undefined;
  readonly excludedTypes?: readonly string[] | undefined;
  readonly onlyLetta?: boolean | undefined;
  readonly withoutLetta?: boolean | undefined;
}

/** One page of the tools that match every given filter. */
export async function listTools(db: Queryable, filter: ToolFilter, page: Page): Promise<readonly Tool[]> {
  const { where, values } = toolConditions(filter);
  const rows = await selectPage<ToolRow>(db, {
    table: 'tools',
    select: 'select tools.* from tools',
    where,
    values,
    sortBy: (t) => `${t}.created_at`,
    page,
  });
  return rows.map(toTool);
}

/** How many tools match every given filter. */
export async function countTools(db: Queryable, filter: ToolFilter): Promise<number> {
  const { where, values } = toolConditions(filter);
  const { rows } = await db.query<{ count: number }>(
    `select count(*) from tools where ${allOf(where)}`,
    values,
  );
  return rows[0]?.count ?? 0;
}

function toolConditions(filter: ToolFilter): Conditions {
  const conditions = createConditions();
  if (filter.name !== undefined) conditions.add('name = ?', filter.name);
  if (filter.names) conditions.add('name = any(?)', filter.names);
  if (filter.ids) conditions.add('id = any(?)', filter.ids);
  if (filter.search !== undefined) conditions.add('name ilike ?', likePattern(filter.search));
  if (filter.types) conditions.add('tool_type = any(?)', filter.types);
  if (filter.excludedTypes) conditions.add('not tool_type = any(?)', filter.excludedTypes);
  if (filter.onlyLetta) conditions.add("starts_with(tool_type, 'letta_')");
  if (filter.withoutLetta) conditions.add("not starts_with(tool_type, 'letta_')");
  return conditions;
}
