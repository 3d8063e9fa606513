import { blocksOf } from '../db/agent-attachments';
import { summarizeArchiveOf } from '../db/archives/archives';
import { lockThreads, rewriteSystemMessage, type SeedMessage } from '../db/agent-threads';
import type { Queryable } from '../db/pool';
import type { Agent, AgentFields } from '../domain/agent';
import type { ArchiveSummary } from '../domain/archive';
import type { Block } from '../domain/block';
import { memorySeen } from '../domain/prompt';
import { compileSystemPrompt } from '../domain/system-prompt';
import { newId } from '../new-id';

/**
 * Compiles the system message of every thread of an agent anew, in place and in the caller's transaction. The next
 * model call reads it; a call that is under way has read the one before.
 */
export async function rebuildSystemMessages(db: Queryable, agent: Agent, compiledAt: Date): Promise<void> {
  const blocks = (await blocksOf(db, [agent.id])).get(agent.id) ?? [];
  const archive = await summarizeArchiveOf(db, agent.id);
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
      archive,
    });
    await rewriteSystemMessage(db, thread, { text, memorySeen: memorySeen(blocks) });
  }
}

/** The system message that a thread begins with. `archive` is what the agent's archive holds by then. */
export function firstSystemMessage(
  agent: AgentFields & { readonly id: string },
  blocks: readonly Block[],
  { conversationId, archive }: { readonly conversationId: string; readonly archive?: ArchiveSummary },
): SeedMessage {
  const text = compileSystemPrompt({
    system: agent.system,
    agentType: agent.agentType,
    blocks,
    toolRules: agent.toolRules,
    agentId: agent.id,
    conversationId,
    compiledAt: new Date(),
    recallCount: 0,
    ...(archive && { archive }),
  });
  return seedMessage('system', [{ type: 'text', text }]);
}

/** A message that is there before any turn, under a fresh id. */
export const seedMessage = (role: SeedMessage['role'], parts: SeedMessage['parts']): SeedMessage => ({
  id: newId('message'),
  role,
  parts,
  name: null,
  otid: null,
  senderId: null,
});
