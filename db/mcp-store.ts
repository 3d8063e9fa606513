import type { McpOAuthPatch, McpOAuthSession, McpOAuthStore, McpStore } from '../domain/mcp';
import { type Columns, updateSet } from './columns';
import { toJsonb } from './json';
import { type McpServerRow, toMcpServer } from './mcp-servers';
import type { Queryable } from './pool';

/** What sessions with MCP servers keep, on Postgres. */
export const createMcpStore = (db: Queryable): McpStore => ({
  async serverOf(toolId) {
    const { rows } = await db.query<McpServerRow & { tool_name: string }>({
      name: 'mcp-server-of',
      text: `select s.*, m.name as tool_name from mcp_tools m join mcp_servers s on s.id = m.server_id where m.tool_id = $1`,
      values: [toolId],
    });
    return rows[0] ? { server: toMcpServer(rows[0]), name: rows[0].tool_name } : null;
  },
  oauth: createOAuthStore(db),
});

const COLUMNS: Columns<Required<McpOAuthPatch>> = {
  status: ['status'],
  client: ['client', 'jsonb'],
  tokens: ['tokens', 'jsonb'],
  verifier: ['verifier'],
  discovery: ['discovery', 'jsonb'],
  error: ['error'],
};

const SESSION = `state, server_url as "serverUrl", redirect_url as "redirectUrl", status, client, tokens, verifier, discovery, error`;
// A page that nobody has answered for so long leads nowhere any more.
const PENDING_FOR = `interval '15 minutes'`;

function createOAuthStore(db: Queryable): McpOAuthStore {
  return {
    async begin({ state, serverUrl, redirectUrl }) {
      await db.query(
        `with old as (delete from mcp_oauth where status <> 'authorized' and created_at < now() - ${PENDING_FOR})
         insert into mcp_oauth (state, server_url, redirect_url) values ($1, $2, $3)`,
        [state, serverUrl, redirectUrl],
      );
    },
    async byState(state) {
      const { rows } = await db.query<McpOAuthSession>(
        `select ${SESSION} from mcp_oauth
          where state = $1 and (status <> 'pending' or created_at > now() - ${PENDING_FOR})`,
        [state],
      );
      return rows[0] ?? null;
    },
    async authorizedFor(serverUrl) {
      const { rows } = await db.query<McpOAuthSession>(
        `select ${SESSION} from mcp_oauth where server_url = $1 and status = 'authorized' order by updated_at desc limit 1`,
        [serverUrl],
      );
      return rows[0] ?? null;
    },
    async save(state, patch) {
      const { set, values } = updateSet(COLUMNS, patch as Required<McpOAuthPatch>, 2);
      // A second visit that fails does not undo the first.
      const guard = patch.status === 'failed' ? `and status = 'pending'` : '';
      await db.query(`update mcp_oauth set ${set}, updated_at = now() where state = $1 ${guard}`, [
        state,
        ...values,
      ]);
    },
    async dropTokens(state, tokens) {
      await db.query(
        `update mcp_oauth set tokens = null, status = 'failed', error = 'its tokens were refused', updated_at = now()
          where state = $1 and tokens = $2`,
        [state, toJsonb(tokens ?? null)],
      );
    },
  };
}
