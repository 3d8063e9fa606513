import { AppError } from '../domain/errors';
import type { McpServer } from '../domain/mcp-server';
import { type DeclaredMcpTool, mcpTag, mcpToolNames, mcpToolSchema } from '../domain/mcp-tool';
import type { Tool } from '../domain/tool';
import { derivedId } from '../new-id';
import { toJsonb } from './json';
import { getMcpServer } from './mcp-servers';
import { inTransaction, type Pool, type Queryable } from './pool';
import { toTool, toolNotFound, type ToolRow } from './tools';

/** What a new list has changed, by the server's names of the tools. */
export interface McpToolChanges {
  readonly added: readonly string[];
  readonly updated: readonly string[];
  readonly deleted: readonly string[];
}

interface Known {
  readonly tool_id: string;
  readonly name: string;
  readonly tool_name: string;
}

/**
 * Makes the stored tools of a server those of its list, in one transaction. Tools that stay keep their id, their place on
 * agents and everything a user has set on them; those that are gone are deleted. Storing the same list again changes
 * nothing. A list that was read under another configuration is refused (CONFLICT).
 */
export function storeMcpTools(
  pool: Pool,
  server: McpServer,
  tools: readonly DeclaredMcpTool[],
): Promise<McpToolChanges> {
  return inTransaction(pool, async (db) => {
    const { name, version } = await getMcpServer(db, server.id, { lock: true });
    if (version !== server.version) {
      throw new AppError('CONFLICT', `MCP server '${name}' was changed meanwhile; refresh it once more.`, {
        facts: { isTransient: true },
      });
    }
    // Names are shared by all servers: two that claim them in another order would wait for each other for ever.
    await db.query(`select pg_advisory_xact_lock(hashtext('everturn.mcp-tools'))`);
    const known = await knownTools(db, server.id);
    const isListed = (entry: Known): boolean => tools.some((tool) => tool.name === entry.name);
    const gone = known.filter((entry) => !isListed(entry));
    await db.query('delete from tools where id = any($1)', [gone.map((entry) => entry.tool_id)]);
    const added: string[] = [];
    const updated: string[] = [];
    for (const tool of tools) {
      const stored = known.find((entry) => entry.name === tool.name);
      if (!stored) {
        await insertTool(db, { id: server.id, name }, tool);
        added.push(tool.name);
      } else if (await updateTool(db, stored, tool)) updated.push(tool.name);
    }
    await db.query('update mcp_servers set tools_read_at = now(), tools_error = null where id = $1', [
      server.id,
    ]);
    return { added, updated, deleted: gone.map((entry) => entry.name) };
  });
}

async function knownTools(db: Queryable, serverId: string): Promise<readonly Known[]> {
  // A user has put a tool of another kind under its name: that one is not the server's any more.
  await db.query(
    `delete from mcp_tools m using tools t
      where t.id = m.tool_id and m.server_id = $1 and t.tool_type <> 'external_mcp'`,
    [serverId],
  );
  const { rows } = await db.query<Known>(
    `select m.tool_id, m.name, t.name as tool_name from mcp_tools m join tools t on t.id = m.tool_id where m.server_id = $1`,
    [serverId],
  );
  return rows;
}

async function insertTool(
  db: Queryable,
  server: { readonly id: string; readonly name: string },
  tool: DeclaredMcpTool,
): Promise<void> {
  const id = derivedId('tool', 'mcp', server.id, tool.name);
  const metadata = { mcp: { server_name: server.name, server_id: server.id, tool_name: tool.name } };
  for (const name of mcpToolNames(server.name, tool.name)) {
    const { rowCount } = await db.query(
      `insert into tools (id, name, tool_type, description, source_type, json_schema, tags, effects, metadata)
       values ($1, $2, 'external_mcp', $3, 'python', $4, $5, $6, $7) on conflict (name) do nothing`,
      [
        id,
        name,
        tool.description,
        toJsonb(mcpToolSchema(name, tool)),
        [mcpTag(server.name)],
        tool.effects,
        toJsonb(metadata),
      ],
    );
    if (rowCount === 0) continue;
    await db.query('insert into mcp_tools (tool_id, server_id, name) values ($1, $2, $3)', [
      id,
      server.id,
      tool.name,
    ]);
    return;
  }
  throw new AppError(
    'CONFLICT',
    `CONFLICT: every name for the tool '${tool.name}' of MCP server '${server.name}' is taken. Rename other tools.`,
  );
}

/** Takes over what the server says of its tool; false if that is nothing new. */
async function updateTool(db: Queryable, stored: Known, tool: DeclaredMcpTool): Promise<boolean> {
  const { rowCount } = await db.query(
    `update tools t set description = $2, json_schema = $3, updated_at = now(),
                        effects = case when m.has_own_effects then t.effects else $4 end
       from mcp_tools m
      where t.id = $1 and m.tool_id = t.id
        and (t.description, t.json_schema, t.effects) is distinct from
            ($2, $3::jsonb, case when m.has_own_effects then t.effects else $4 end)`,
    [stored.tool_id, tool.description, toJsonb(mcpToolSchema(stored.tool_name, tool)), tool.effects],
  );
  return rowCount === 1;
}

/** The tools of a server, in the order in which they were first seen. */
export async function listMcpTools(db: Queryable, serverId: string): Promise<readonly Tool[]> {
  const { rows } = await db.query<ToolRow>(
    `select t.* from tools t join mcp_tools m on m.tool_id = t.id where m.server_id = $1 order by t.created_at, t.name`,
    [serverId],
  );
  return rows.map(toTool);
}

/** A tool of a server; NOT_FOUND when the server has no such tool. */
export async function getMcpTool(db: Queryable, serverId: string, toolId: string): Promise<Tool> {
  const { rows } = await db.query<ToolRow>(
    `select t.* from tools t join mcp_tools m on m.tool_id = t.id
      where m.server_id = $1 and t.id = $2`,
    [serverId, toolId],
  );
  if (!rows[0]) throw toolNotFound(toolId);
  return toTool(rows[0]);
}

/** A server's tool by the server's own name of it; null when none is stored. */
export async function findMcpTool(db: Queryable, serverId: string, name: string): Promise<Tool | null> {
  const { rows } = await db.query<ToolRow>(
    `select t.* from tools t join mcp_tools m on m.tool_id = t.id where m.server_id = $1 and m.name = $2`,
    [serverId, name],
  );
  return rows[0] ? toTool(rows[0]) : null;
}

/** Notes that a user has said what a tool may do: no list of its server changes that any more. */
export async function keepOwnEffects(db: Queryable, toolId: string): Promise<void> {
  await db.query('update mcp_tools set has_own_effects = true where tool_id = $1', [toolId]);
}
