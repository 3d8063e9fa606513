import { lockIdleThread } from './idle-thread';
import type { Queryable } from './pool';
import { rebuildSystemMessage } from './system-messages';

/**
 * Deletes the messages of an agent's own thread, except its system message, which is compiled anew. Runs, steps and the
 * agent's memory stay. Call it in a transaction; `CONFLICT` while a turn is under way.
 */
export async function resetThread(db: Queryable, agentId: string): Promise<void> {
  await lockIdleThread(db, agentId, 'reset the messages');
  await db.query(
    `delete from messages m using conversations c
      where m.conversation_id = $1 and c.id = $1 and m.id is distinct from c.system_message_id`,
    [agentId],
  );
  await rebuildSystemMessage(db, { agentId, conversationId: agentId, compiledAt: new Date() });
}
