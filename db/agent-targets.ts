import type { AgentMessage } from '../domain/agent-calls';
import { toolError } from '../domain/tool-failure';
import type { OpenedTool } from '../domain/turn-state';
import type { Queryable } from './pool';

/** An agent that a message goes to. */
export interface Target {
  readonly id: string;
  readonly name: string;
}

/** The agents a message is for, never the sender itself; a tool error if there is none. */
export async function findTargets(
  db: Queryable,
  senderId: string,
  to: AgentMessage['to'],
): Promise<readonly Target[]> {
  if ('agentId' in to) {
    if (to.agentId === senderId)
      throw toolError('ValueError', 'This is your own id. An agent cannot write to itself.');
    const { rows } = await db.query<Target>('select id, name from agents where id = $1', [to.agentId]);
    if (rows.length > 0) return rows;
    throw toolError('ValueError', `There is no agent with the id ${to.agentId}. Nothing was sent.`);
  }
  const { rows } = await db.query<Target>(
    `select id, name from agents
      where id <> $1 and tags @> $2::text[] and (cardinality($3::text[]) = 0 or tags && $3::text[])
      order by created_at, id`,
    [senderId, to.allTags, to.someTags],
  );
  if (rows.length > 0) return rows;
  throw toolError('ValueError', 'No other agent has these tags. Nothing was sent.');
}

// Whoever waits for whom: a conversation's turn for the runs of its open calls, and so for all that those wait for.
const WAITS_FOR_CALLER = `
  with recursive reached (conversation_id) as (
    select $1::text
    union
    select asked.conversation_id
      from reached join agent_calls c on c.caller_conversation_id = reached.conversation_id and c.waits
           join runs caller on caller.id = c.caller_run_id and caller.status = 'running'
           join runs asked on asked.id = c.run_id and asked.status in ('created', 'running')
     where not exists (select from tool_executions e
                        where e.step_id = c.step_id and e.call_index = c.call_index and e.status <> 'claimed'))
  select 1 from reached where conversation_id = $2 limit 1`;

/**
 * Refuses to wait for an agent that waits, itself or through others, for this turn: neither would ever go on. The caller
 * holds the lock under which all such messages are sent, so of two that would close a circle one is refused.
 */
export async function refuseDeadlock(db: Queryable, caller: OpenedTool, target: Target): Promise<void> {
  const { rowCount } = await db.query(WAITS_FOR_CALLER, [target.id, caller.conversationId]);
  if (rowCount === 0) return;
  throw toolError(
    'RuntimeError',
    `Agent ${target.name} (${target.id}) waits for an answer of yours, so it cannot answer you first. Nothing was sent. ` +
      'Say what you want to tell it in your answer, or use send_message_to_agent_async.',
  );
}
