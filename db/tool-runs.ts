import { AppError } from '../domain/errors';
import type { ToolEffects, ToolOutcome } from '../domain/tool';
import type { ToolArguments } from '../domain/tool-arguments';
import type { OpenedToolRun, ToolRunStore } from '../domain/tool-run';
import { toJsonb } from './json';
import { memoryTransaction } from './memory-transaction';
import { inTransaction, type Pool, type Queryable } from './pool';
import { toTool, type ToolRow } from './tools';

/** Stores a call by hand before its workflow starts. Returns the tool's effects; null if the agent has no such tool. */
export async function mintToolRun(
  db: Queryable,
  run: {
    readonly id: string;
    readonly agentId: string;
    readonly toolName: string;
    readonly args: ToolArguments;
  },
): Promise<ToolEffects | null> {
  const { rows } = await db.query<{ effects: ToolEffects }>(
    `with tool as (select t.effects from agent_tools at join tools t on t.id = at.tool_id
                    where at.agent_id = $2 and t.name = $3),
          minted as (insert into tool_runs (id, agent_id, tool_name, args) select $1, $2, $3, $4 from tool)
     select effects from tool`,
    [run.id, run.agentId, run.toolName, toJsonb(run.args)],
  );
  return rows[0]?.effects ?? null;
}

/** What a call by hand came to, or `NOT_FOUND`. */
export async function getToolRunOutcome(db: Queryable, id: string): Promise<ToolOutcome> {
  const { rows } = await db.query<{ outcome: ToolOutcome | null }>(
    `select outcome from tool_runs where id = $1`,
    [id],
  );
  const outcome = rows[0]?.outcome;
  if (!outcome)
    throw new AppError('NOT_FOUND', `tool run ${id} has no outcome; its agent was deleted meanwhile`);
  return outcome;
}

/** Calls by hand on Postgres. */
export function createToolRunStore(pool: Pool): ToolRunStore {
  return {
    open: (id) => openToolRun(pool, id),
    finish: (id, outcome) => finish(pool, id, outcome),
    runTransactional: (run, work) =>
      inTransaction(pool, async (db) => {
        const { rows } = await db.query(
          `select 1 from tool_runs where id = $1 and outcome is null for update`,
          [run.id],
        );
        if (rows.length === 0) return;
        await finish(
          db,
          run.id,
          await work(memoryTransaction(db, { agentId: run.agentId, conversationId: null })),
        );
      }),
  };
}

async function openToolRun(db: Queryable, id: string): Promise<OpenedToolRun | null> {
  const { rows } = await db.query<{
    agent_id: string;
    args: ToolArguments;
    secrets: Readonly<Record<string, string>>;
    was_claimed: boolean;
    tool: ToolRow;
  }>(
    `with before as (select id, claimed_at from tool_runs where id = $1),
          claimed as (update tool_runs set claimed_at = now() where id = $1 and outcome is null returning *)
     select claimed.agent_id, claimed.args, a.secrets, before.claimed_at is not null as was_claimed, to_jsonb(t) as tool
       from claimed join before on before.id = claimed.id join agents a on a.id = claimed.agent_id
            join agent_tools at on at.agent_id = a.id join tools t on t.id = at.tool_id and t.name = claimed.tool_name`,
    [id],
  );
  const row = rows[0];
  if (!row) return null;
  const { agent_id: agentId, args, secrets, was_claimed: wasClaimed } = row;
  return { id, agentId, args, secrets, wasClaimed, tool: toTool(row.tool) };
}

async function finish(db: Queryable, id: string, outcome: ToolOutcome): Promise<void> {
  await db.query(`update tool_runs set outcome = $2, finished_at = now() where id = $1 and outcome is null`, [
    id,
    toJsonb(outcome),
  ]);
}
