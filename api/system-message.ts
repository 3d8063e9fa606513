import { blocksOf } from '../db/agent-attachments';
import { lockThreads, rewriteSystemMessage } from '../db/agent-threads';
import type { Queryable } from '../db/pool';
import type { Agent } from '../domain/agent';
import { memorySeen } from '../domain/prompt';
import { compileSystemPrompt } from '../domain/system-prompt';

/**
 * Compiles the system message of every thread of an agent anew, in place and in the caller's transaction. The next
 * model call reads it; a call that is under way has read the one before.
 */
export async function rebuildSystemMessages(db: Queryable, agent: Agent, compiledAt: Date): Promise<void> {
  const blocks = (await blocksOf(db, [agent.id])).get(agent.id) ?? [];
  for (const thread of await lockThreads(db, agent.id)) {
    const text = compileSystemPrompt({
      system: agent.system,
      agentType: agent.agentType,
      blocks,
      toolRules: agent.toolRules,
      agentId: agent.id,
      conversationId: thread.conversationId,
      compiledAt,
      recallCount: thread.recallCount,
    });
    await rewriteSystemMessage(db, thread, { text, memorySeen: memorySeen(blocks) });
  }
}
