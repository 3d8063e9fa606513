import { type AgentReply, type CollectKey, toOutcome } from '../domain/agent-calls';
import type { Message } from '../domain/message';
import { isTerminal, type RunStatus, type StopReason } from '../domain/run';
import type { RunError } from '../domain/run-event';
import { spokenText } from '../domain/spoken-text';
import type { ToolOutcome } from '../domain/tool';
import { derivedId } from '../new-id';
import { listRunOutput } from './messages';
import type { Queryable } from './pool';

interface CallRow {
  readonly run_id: string;
  readonly agent_id: string;
  readonly agent_name: string;
  readonly refusal: string | null;
  readonly tool_name: string;
  readonly status: RunStatus | null;
  readonly stop_reason: StopReason | null;
  readonly error: RunError | null;
}

/** See `AgentCallStore.replies`. */
export async function collectReplies(
  db: Queryable,
  { runId, askedBy = runId, step, index, isLast = false }: CollectKey,
): Promise<ToolOutcome | null> {
  const { rows } = await db.query<CallRow>(
    `select c.run_id, c.agent_id, c.agent_name, c.refusal, r.status, r.stop_reason, r.error,
            (select jsonb_path_query_array(m.parts, '$[*] ? (@.type == "tool_call")') -> c.call_index ->> 'name'
               from steps s join messages m on m.id = s.message_id where s.id = c.step_id) as tool_name
       from agent_calls c left join runs r on r.id = c.run_id
      where c.step_id = $1 and c.call_index = $2 order by c.position`,
    [derivedId('step', askedBy, step), index],
  );
  const isOpen = rows.some(({ status }) => status !== null && !isTerminal(status));
  if (isOpen && !isLast) return null;
  const replies: AgentReply[] = [];
  for (const row of rows) replies.push(await toReply(db, row));
  return toOutcome(replies, rows[0]?.tool_name === 'send_message_to_agents_matching_tags');
}

async function toReply(db: Queryable, row: CallRow): Promise<AgentReply> {
  const agent = { agentId: row.agent_id, agentName: row.agent_name };
  if (row.refusal !== null) return { ...agent, runId: null, status: 'refused', text: row.refusal };
  const at = { ...agent, runId: row.run_id };
  if (row.status === null)
    return { ...at, status: 'gone', text: 'The agent or its run was deleted before it answered.' };
  const said = textOf(await listRunOutput(db, row.run_id));
  if (!isTerminal(row.status))
    return { ...at, status: 'still_working', text: 'It has not answered in time and goes on working.' };
  if (row.status === 'failed')
    return { ...at, status: 'failed', text: row.error?.message ?? 'Its turn failed.' };
  if (row.status === 'cancelled')
    return { ...at, status: 'cancelled', text: said || 'Its turn was cancelled before it answered.' };
  if (row.stop_reason === 'requires_approval')
    return { ...at, status: 'waits_for_approval', text: said || 'It waits for the approval of a human.' };
  return { ...at, status: 'answered', text: said };
}

/** Everything the agent said in its turn. */
const textOf = (messages: readonly Message[]): string =>
  messages
    .filter(({ role }) => role !== 'tool')
    .flatMap(({ parts }) => parts)
    .flatMap((part) => {
      if (part.type === 'text') return [part.text];
      return part.type === 'tool_call' && part.speaks ? [spokenText(part)] : [];
    })
    .filter((text) => text !== '')
    .join('\n');
