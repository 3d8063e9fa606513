import { AppError } from '../domain/errors';
import type { McpConfig, McpServer, McpServerType } from '../domain/mcp-server';
import { mcpTag } from '../domain/mcp-tool';
import { toJsonb } from './json';
import { inTransaction, type Pool, type Queryable } from './pool';

export interface McpServerRow {
  readonly id: string;
  readonly name: string;
  readonly type: McpServerType;
  readonly config: Readonly<Record<string, unknown>>;
  readonly secrets: Readonly<Record<string, unknown>>;
  readonly version: number;
  readonly tools_read_at: Date | string | null;
  readonly tools_error: string | null;
}

/** The row as the domain knows it. */
export const toMcpServer = (row: McpServerRow): McpServer => ({
  id: row.id,
  name: row.name,
  // `split` wrote both halves of it.
  config: { type: row.type, ...row.config, ...row.secrets } as unknown as McpConfig,
  version: row.version,
  toolsReadAt: row.tools_read_at === null ? null : new Date(row.tools_read_at),
  toolsError: row.tools_error,
});

/** What may be shown of a configuration, and what may not. */
function split(config: McpConfig): { readonly shown: object; readonly secrets: object } {
  if (config.type === 'stdio')
    return { shown: { command: config.command, args: config.args }, secrets: { env: config.env } };
  const { url, authHeader, authToken, headers } = config;
  return { shown: { url, authHeader }, secrets: { authToken, headers } };
}

export const mcpServerNotFound = (what: string): AppError =>
  new AppError('NOT_FOUND', `MCP server not found with ${what}. List the MCP servers to see which exist.`);

/**
 * Stores a server. Again with the same name and configuration (a request that was sent again) changes nothing and
 * returns the stored one; another configuration under a name that is taken is a CONFLICT.
 */
export async function createMcpServer(
  db: Queryable,
  server: { readonly id: string; readonly name: string; readonly config: McpConfig },
): Promise<McpServer> {
  const { shown, secrets } = split(server.config);
  const { rows } = await db.query<McpServerRow>(
    `with made as (insert into mcp_servers (id, name, type, config, secrets) values ($1, $2, $3, $4, $5)
                   on conflict (name) do nothing returning *)
     select * from made
     union all
     select * from mcp_servers where name = $2 and type = $3 and config = $4 and secrets = $5`,
    [server.id, server.name, server.config.type, toJsonb(shown), toJsonb(secrets)],
  );
  if (rows[0]) return toMcpServer(rows[0]);
  throw nameTaken(server.name);
}

const nameTaken = (name: string): AppError =>
  new AppError(
    'CONFLICT',
    `CONFLICT: an MCP server named '${name}' exists already. Change that one, or choose another name.`,
  );

export async function listMcpServers(db: Queryable): Promise<readonly McpServer[]> {
  const { rows } = await db.query<McpServerRow>('select * from mcp_servers order by created_at, id');
  return rows.map(toMcpServer);
}

/** The server with this id; NOT_FOUND without one. `lock` holds it until the transaction ends. */
export async function getMcpServer(
  db: Queryable,
  id: string,
  { lock = false }: { readonly lock?: boolean } = {},
): Promise<McpServer> {
  const { rows } = await db.query<McpServerRow>(
    `select * from mcp_servers where id = $1 ${lock ? 'for update' : ''}`,
    [id],
  );
  if (!rows[0]) throw mcpServerNotFound(`id='${id}'`);
  return toMcpServer(rows[0]);
}

/** The server of this name; NOT_FOUND without one. */
export async function getMcpServerByName(db: Queryable, name: string): Promise<McpServer> {
  const { rows } = await db.query<McpServerRow>('select * from mcp_servers where name = $1', [name]);
  if (!rows[0]) throw mcpServerNotFound(`name='${name}'`);
  return toMcpServer(rows[0]);
}

/** Writes name and configuration as `change` makes them of the stored ones; open sessions are not used any more. */
export function updateMcpServer(
  pool: Pool,
  id: string,
  change: (server: McpServer) => { readonly name: string; readonly config: McpConfig },
): Promise<McpServer> {
  return inTransaction(pool, async (db) => {
    const before = await getMcpServer(db, id, { lock: true });
    const { name, config } = change(before);
    const { shown, secrets } = split(config);
    const { rows } = await db
      .query<McpServerRow>(
        `update mcp_servers set name = $2, type = $3, config = $4, secrets = $5, version = version + 1, updated_at = now()
          where id = $1 returning *`,
        [id, name, config.type, toJsonb(shown), toJsonb(secrets)],
      )
      .catch((error: unknown) => {
        const isTaken =
          error instanceof Error && 'constraint' in error && error.constraint === 'unique_mcp_server_name';
        throw isTaken ? nameTaken(name) : error;
      });
    if (name !== before.name) await retagTools(db, { id, from: before.name, to: name });
    return toMcpServer(rows[0] as McpServerRow); // locked above
  });
}

async function retagTools(
  db: Queryable,
  { id, from, to }: { readonly id: string; readonly from: string; readonly to: string },
): Promise<void> {
  await db.query(
    `update tools t set tags = array_replace(t.tags, $2, $3),
                        metadata = jsonb_set(t.metadata, '{mcp,server_name}', to_jsonb($4::text)), updated_at = now()
       from mcp_tools m where m.tool_id = t.id and m.server_id = $1 and t.metadata ? 'mcp'`,
    [id, mcpTag(from), mcpTag(to), to],
  );
}

/** Deletes a server with its tools, which every agent loses, and with what was agreed with it by OAuth. */
export function deleteMcpServer(pool: Pool, id: string): Promise<void> {
  return inTransaction(pool, async (db) => {
    const { config } = await getMcpServer(db, id, { lock: true });
    await db.query(
      `delete from tools t using mcp_tools m where m.tool_id = t.id and m.server_id = $1 and t.tool_type = 'external_mcp'`,
      [id],
    );
    await db.query('delete from mcp_servers where id = $1', [id]);
    if (config.type === 'stdio') return;
    await db.query(
      `delete from mcp_oauth where server_url = $1 and not exists (select from mcp_servers where config ->> 'url' = $1)`,
      [config.url],
    );
  });
}

/** Keeps why a server's list of tools could not be read; the tools stay as they were. */
export async function noteToolsError(db: Queryable, id: string, reason: string): Promise<void> {
  await db.query('update mcp_servers set tools_error = $2 where id = $1', [id, reason]);
}
