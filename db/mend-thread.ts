import type { Message, MessagePart, ToolCallPart } from '../domain/message';
import { LOST_RESULT, lostReturn, type DanglingCall } from '../domain/whole-transcript';
import { derivedId } from '../new-id';
import { inTransaction, type Pool, type Queryable } from './pool';
import { insertMessages } from './save-reply';
import { closeOpenCalls } from './tool-ledger';

// Repairs of one thread. Each may be made twice, by a turn and by an operator at the same time: results are stored under ids
// that are a function of their call, and a step is locked before it is looked at, as everywhere.

/**
 * Stores a result for each call that the model would read without one. It lies at the end of the thread, where it came to
 * be; `wholeTranscript` shows it behind its call.
 */
export async function closeDangling(db: Queryable, dangling: readonly DanglingCall[]): Promise<void> {
  for (const { message, call } of dangling) await insertResult(db, message, { call, isInContext: true });
}

/** Calls that nobody will run any more, in a message that the model has not read: their turn is over, or their step is gone. */
export interface AbandonedCalls {
  readonly messageId: string;
  readonly conversationId: string;
  readonly runId: string | null;
  readonly stepId: string | null;
  readonly isRequest: boolean;
  readonly callIds: readonly string[];
}

interface AbandonedRow extends AbandonedCalls {
  readonly agentId: string;
  readonly parts: readonly MessagePart[];
  /** The run of its step; null when the step is gone or made no calls. */
  readonly askedBy: string | null;
  readonly isAnswered: boolean;
}

// A call is abandoned when it has no result, no human is asked about it, and no turn is at work on its step: neither the one
// that made it nor the one that answered. `$2` is a run that asks and so is not at work on any other step.
const ABANDONED = `
  select m.id as "messageId", m.conversation_id as "conversationId", m.agent_id as "agentId", m.run_id as "runId",
         m.step_id as "stepId", m.parts, m.role = 'approval_request' as "isRequest", open.ids as "callIds",
         case when s.outcome ? 'calls' and s.message_id = m.id then s.run_id end as "askedBy",
         exists (select from messages a where a.step_id = m.step_id and a.role = 'approval_response') as "isAnswered"
    from messages m left join steps s on s.id = m.step_id
         cross join lateral (
           select array_agg(call ->> 'id') as ids from jsonb_path_query(m.parts, '$[*] ? (@.type == "tool_call")') as call
            where not exists (select from messages t where t.conversation_id = m.conversation_id and t.seq > m.seq and t.role = 'tool'
                     and t.parts @> jsonb_build_array(jsonb_build_object('type', 'tool_return', 'toolCallId', call -> 'id')))) open
   where m.conversation_id = $1 and not m.in_context and m.role in ('assistant', 'approval_request')
     and open.ids is not null and not coalesce(s.outcome ? 'pending', false)
     and not exists (select from runs r where r.conversation_id = m.conversation_id and r.status in ('created', 'running')
            and r.id is distinct from $2
            and (r.id = m.run_id or exists (select from messages a where a.step_id = m.step_id and a.run_id = r.id
                                               and a.role = 'approval_response')))`;

/** The abandoned calls of a thread, oldest first. */
export async function findAbandonedCalls(
  db: Queryable,
  conversationId: string,
): Promise<readonly AbandonedCalls[]> {
  const { rows } = await db.query<AbandonedRow>(`${ABANDONED} order by m.seq`, [conversationId, null]);
  return rows;
}

/**
 * Gives every abandoned call of a thread the result that its ledger knows, or one that says what is not known, and lets the
 * model read both. `askedIn` is the run in whose turn this happens; nothing of its own is under way at that moment.
 */
export async function closeAbandonedCalls(
  pool: Pool,
  conversationId: string,
  askedIn: string | null = null,
): Promise<void> {
  const { rows } = await pool.query<AbandonedRow>(`${ABANDONED} order by m.seq`, [conversationId, askedIn]);
  for (const { messageId, stepId } of rows) {
    await inTransaction(pool, async (db) => {
      await db.query(`select from steps where id = $1 for no key update`, [stepId]);
      const find = async () =>
        (await db.query<AbandonedRow>(`${ABANDONED} and m.id = $3`, [conversationId, askedIn, messageId]))
          .rows[0];
      const before = await find();
      if (!before) return; // It was closed, or taken up again, while this transaction waited.
      if (before.askedBy)
        await closeOpenCalls(db, before.askedBy, 'The turn ended before this call finished.');
      const open = before.askedBy ? await find() : before;
      if (open) await closeWithoutLedger(db, open);
      await db.query(
        `update messages set in_context = true where not in_context and (id = $1 or step_id = $2)`,
        [messageId, stepId],
      );
    });
  }
}

const NEVER_ANSWERED =
  'The request for approval was lost before anybody answered it, so the call was not made.';

async function closeWithoutLedger(db: Queryable, open: AbandonedRow): Promise<void> {
  const isUnanswered = open.isRequest && !open.isAnswered;
  for (const call of open.parts) {
    if (call.type !== 'tool_call' || !open.callIds.includes(call.id)) continue;
    const result = isUnanswered ? NEVER_ANSWERED : LOST_RESULT;
    await insertResult(db, { ...open, id: open.messageId }, { call, isInContext: false, result });
  }
}

async function insertResult(
  db: Queryable,
  message: Pick<Message, 'id' | 'conversationId' | 'agentId' | 'runId' | 'stepId'>,
  {
    call,
    isInContext,
    result = LOST_RESULT,
  }: { readonly call: ToolCallPart; readonly isInContext: boolean; readonly result?: string },
): Promise<void> {
  await insertMessages(db, message, [
    {
      id: derivedId('message', message.id, call.id, 'mended'),
      role: 'tool',
      parts: [lostReturn(call, result)],
      name: call.name,
      otid: null,
      senderId: null,
      inContext: isInContext,
    },
  ]);
}
