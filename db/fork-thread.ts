import { AppError } from '../domain/errors';
import type { Message } from '../domain/message';
import { toUnits } from '../domain/transcript-units';
import { newId } from '../new-id';
import { toJsonb } from './json';
import { MESSAGE_COLUMNS, rowToMessage, type MessageRow } from './message-row';
import type { Queryable } from './pool';

/**
 * What the model read of a thread when `messageId` was its last message (null: what it reads today), without the system
 * message. Messages that a later summary took out are back; calls keep all of their results. `NOT_FOUND` if the thread
 * has no such message.
 */
export async function contextUpTo(
  db: Queryable,
  conversationId: string,
  messageId: string | null,
): Promise<readonly Message[]> {
  const { rows: cut } = await db.query<{ seq: number | null }>(
    `select ${messageId === null ? 'max(seq)' : 'seq'} as seq from messages
      where conversation_id = $1 and ($2::text is null or id = $2)`,
    [conversationId, messageId],
  );
  const seq = cut[0]?.seq;
  if (seq === undefined || seq === null) {
    throw new AppError(
      'NOT_FOUND',
      `No message found with id '${messageId}' in conversation '${conversationId}'.`,
    );
  }
  const { rows } = await db.query<MessageRow>(
    `with summary as (select id, context_seq from messages
                       where conversation_id = $1 and role = 'summary' and seq <= $2
                       order by coalesce(context_seq, seq) desc, seq desc limit 1)
     select ${MESSAGE_COLUMNS} from messages
      where conversation_id = $1 and (id = (select id from summary)
             or role not in ('system', 'summary') and in_context is distinct from false
                and seq > coalesce((select context_seq from summary), 0))
      order by coalesce(context_seq, seq)`,
    [conversationId, seq],
  );
  const messages = rows.map(rowToMessage);
  return messageId === null ? messages : throughUnitOf(messages, messageId);
}

function throughUnitOf(messages: readonly Message[], messageId: string): readonly Message[] {
  const units = toUnits(messages);
  const last = units.findIndex((unit) => unit.some(({ id }) => id === messageId));
  return units.slice(0, last + 1).flat();
}

/** Stores copies of messages at the end of another thread of the agent, under ids of their own and of no run. */
export async function copyMessages(
  db: Queryable,
  { agentId, conversationId }: { readonly agentId: string; readonly conversationId: string },
  messages: readonly Message[],
): Promise<void> {
  const rows = messages.map((message) => ({ ...message, id: newId('message') }));
  await db.query(
    `insert into messages (id, conversation_id, agent_id, role, parts, name, otid, sender_id, created_at)
     select m.id, $1, $2, m.role, m.parts, m.name, m.otid, m."senderId", m."createdAt"
       from rows from (jsonb_to_recordset($3::jsonb) as (id text, role text, parts jsonb, name text, otid text,
                       "senderId" text, "createdAt" timestamptz)) with ordinality as
            m (id, role, parts, name, otid, "senderId", "createdAt", position)
      order by m.position`,
    [conversationId, agentId, toJsonb(rows)],
  );
}
