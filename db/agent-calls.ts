import type { AgentCallStore } from '../domain/agent-calls';
import type { StoppedTurn, ToolKey, TurnInput } from '../domain/turn';
import { derivedId } from '../new-id';
import { collectReplies } from './agent-replies';
import { requestCancel } from './mint-run';
import type { Pool, Queryable } from './pool';
import { sendToAgents } from './send-to-agents';

/** Messages between agents on Postgres. */
export const createAgentCallStore = (pool: Pool): AgentCallStore => ({
  send: (tool, message) => sendToAgents(pool, tool, message),
  unfinished: (key) => unfinishedRuns(pool, key),
  replies: (key) => collectReplies(pool, key),
  cancel: (key) => cancelRuns(pool, key),
});

async function unfinishedRuns(db: Queryable, { runId, askedBy = runId, step, index }: ToolKey) {
  const { rows } = await db.query<TurnInput>(
    `select r.id as "runId", r.agent_id as "agentId", r.conversation_id as "conversationId"
       from agent_calls c join runs r on r.id = c.run_id
      where c.step_id = $1 and c.call_index = $2 and r.status in ('created', 'running') order by c.position`,
    [derivedId('step', askedBy, step), index],
  );
  return rows;
}

async function cancelRuns(pool: Pool, key: ToolKey): Promise<readonly StoppedTurn[]> {
  const { runId, askedBy = runId, step, index } = key;
  const { rows } = await pool.query<{ run_id: string; agent_id: string }>(
    `select c.run_id, c.agent_id from agent_calls c join runs r on r.id = c.run_id
      where c.step_id = $1 and c.call_index = $2 and c.waits and r.status in ('created', 'running') order by c.position`,
    [derivedId('step', askedBy, step), index],
  );
  const stopped: StoppedTurn[] = [];
  for (const row of rows) {
    const runs = await requestCancel(pool, row.agent_id, [row.run_id]);
    stopped.push(...runs.map((run) => ({ runId: run.runId, conversationId: run.conversationId })));
  }
  return stopped;
}
