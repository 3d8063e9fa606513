import type { MessagePart, MessageRole } from '../domain/message';
import { toJsonb } from './json';
import type { Queryable } from './pool';

interface MessageToImport {
  readonly id: string;
  readonly fileId: string | null;
  readonly role: MessageRole;
  readonly parts: readonly MessagePart[];
  readonly name: string | null;
  readonly otid: string | null;
  readonly senderId: string | null;
  readonly createdAt: string | null;
  readonly inContext: boolean;
}

/**
 * Appends the messages of a file to an agent's new thread. What is not in the file's context has left it here too. Where
 * `order`, the file's context, reads its messages in another order than they were written, so does the agent.
 */
export async function importMessages(
  db: Queryable,
  agentId: string,
  { rows, order }: { readonly rows: readonly MessageToImport[]; readonly order: readonly string[] | null },
): Promise<void> {
  await db.query(
    `insert into messages (id, conversation_id, agent_id, role, parts, name, otid, sender_id, in_context, created_at)
     select m.id, $1, $1, m.role, m.parts, m.name, m.otid, m."senderId", case when m."inContext" then true end,
            coalesce(m."createdAt", now())
       from rows from (jsonb_to_recordset($2::jsonb) as (id text, role text, parts jsonb, name text, otid text,
                       "senderId" text, "inContext" boolean, "createdAt" timestamptz)) with ordinality as
            m (id, role, parts, name, otid, "senderId", "inContext", "createdAt", position)
      order by m.position`,
    [agentId, toJsonb(rows)],
  );
  const written = rows.filter(({ inContext }) => inContext);
  const read = inOrder(written, order);
  if (read.every((row, index) => row === written[index])) return;
  await db.query(
    `update messages set context_seq = place.seq
       from (select w.id, s.seq from unnest($2::text[]) with ordinality as w (id, position)
               join (select seq, row_number() over (order by seq) as position
                       from messages where conversation_id = $1 and id = any ($2)) s on s.position = w.position) place
      where messages.id = place.id`,
    [agentId, read.map(({ id }) => id)],
  );
}

/** A message that the import has added goes with the one before it. */
function inOrder(
  written: readonly MessageToImport[],
  order: readonly string[] | null,
): readonly MessageToImport[] {
  if (!order) return written;
  let place = -1;
  const placed = written.map((row) => {
    const own = row.fileId === null ? -1 : order.indexOf(row.fileId);
    place = own === -1 ? place : own;
    return { row, place };
  });
  return placed.sort((a, b) => a.place - b.place).map(({ row }) => row);
}
