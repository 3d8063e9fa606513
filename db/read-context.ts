import type { Message } from '../domain/message';
import type { CalledTool } from '../domain/tool-rules';
import { isRefused } from '../domain/tool-rules';
import { MESSAGE_COLUMNS, rowToMessage, type MessageRow } from './message-row';
import type { Queryable } from './pool';

/** Orders the messages of a context: a summary stands where the messages stood that it replaces. */
export const CONTEXT_ORDER = 'coalesce(context_seq, seq)';

/**
 * SQL for the ids of a thread's context as clients see it: what the model reads, oldest first, and behind it the request for
 * approval that waits, if one does. Clients look at the last one to find it. `thread` is an SQL expression.
 */
export const shownContextIds = (thread: string): string =>
  `array(select m.id from messages m where m.conversation_id = ${thread} and m.in_context order by ${CONTEXT_ORDER})
   || array(select m.id from messages m join steps asked on asked.id = m.step_id
             where m.conversation_id = ${thread} and not m.in_context and m.role = 'approval_request'
               and asked.outcome ? 'pending')`;

/** What the model reads of a thread, oldest first. */
export async function readContext(db: Queryable, conversationId: string): Promise<readonly Message[]> {
  const { rows } = await db.query<MessageRow>({
    name: 'read-context-in-order',
    text: `select ${MESSAGE_COLUMNS} from messages where conversation_id = $1 and in_context order by ${CONTEXT_ORDER}`,
    values: [conversationId],
  });
  return rows.map(rowToMessage);
}

/** The tools of a run whose results a compaction took out of the context, in order. */
export async function readCalledBefore(db: Queryable, runId: string): Promise<readonly CalledTool[]> {
  const { rows } = await db.query<CalledTool>(
    `select part ->> 'name' as name, part ->> 'result' as result
       from messages m cross join jsonb_array_elements(m.parts) as part
      where m.run_id = $1 and m.role = 'tool' and m.compacted_by is not null and part ->> 'type' = 'tool_return'
      order by m.seq`,
    [runId],
  );
  return rows.filter(({ result }) => !isRefused(result));
}

/** How many messages of a thread a search can find. */
export async function countRecall(db: Queryable, conversationId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*) from messages where conversation_id = $1 and role <> 'system'`,
    [conversationId],
  );
  return rows[0]?.count ?? 0;
}
