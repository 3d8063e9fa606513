import { getAgent } from '../db/agents';
import { lockIdleThread } from '../db/idle-thread';
import { inTransaction, type Pool } from '../db/pool';
import { rebuildSystemMessage } from '../db/system-messages';
import { AppError } from '../domain/errors';
import type { Thread } from './threads';

// Rolls a dry run back: what is returned is what would have been stored.
class DryRun extends Error {
  constructor(readonly text: string) {
    super('dry run');
  }
}

/**
 * Compiles the system message of a thread anew and returns its text. A dry run stores nothing and asks for no lock;
 * otherwise `CONFLICT` while a turn is under way.
 */
export async function recompileThread(
  db: Pool,
  thread: Thread,
  { isDry }: { readonly isDry: boolean },
): Promise<string> {
  try {
    return await inTransaction(db, async (tx) => {
      await getAgent(tx, thread.agentId);
      if (!isDry) await lockIdleThread(tx, thread.conversationId, 'recompile the system prompt');
      const text = await rebuildSystemMessage(tx, { ...thread, compiledAt: new Date() });
      if (text === null) throw noSystemMessage(thread);
      if (isDry) throw new DryRun(text);
      return text;
    });
  } catch (error) {
    if (error instanceof DryRun) return error.text;
    throw error;
  }
}

const noSystemMessage = ({ conversationId }: Thread): AppError =>
  new AppError('NOT_FOUND', `Conversation ${conversationId} has no system message`);
