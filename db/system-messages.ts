import type { Agent } from '../domain/agent';
import { memorySeen } from '../domain/prompt';
import { compileSystemPrompt } from '../domain/system-prompt';
import { lockThread, lockThreads, rewriteSystemMessage, type RebuildableThread } from './agent-threads';
import { getAgent } from './agents';
import { summarizeArchiveOf } from './archives/archives';
import { directoriesOf } from './folders/agent-folders';
import type { Queryable } from './pool';
import { blocksOfThread } from './thread-blocks';

/**
 * Compiles the system message of every thread of an agent anew, in place and in the caller's transaction. The next
 * model call reads it; a call that is under way has read the one before.
 */
export async function rebuildSystemMessages(db: Queryable, agent: Agent, compiledAt: Date): Promise<void> {
  for (const thread of await lockThreads(db, agent.id)) await rebuild(db, agent, { thread, compiledAt });
}

/** The same for one thread. Returns the text; null where the thread has no system message. */
export async function rebuildSystemMessage(
  db: Queryable,
  at: { readonly agentId: string; readonly conversationId: string; readonly compiledAt: Date },
): Promise<string | null> {
  const thread = await lockThread(db, at.conversationId);
  return thread && rebuild(db, await getAgent(db, at.agentId), { thread, compiledAt: at.compiledAt });
}

async function rebuild(
  db: Queryable,
  agent: Agent,
  { thread, compiledAt }: { readonly thread: RebuildableThread; readonly compiledAt: Date },
): Promise<string> {
  const { conversationId, recallCount } = thread;
  const blocks = await blocksOfThread(db, { agentId: agent.id, conversationId });
  const text = compileSystemPrompt({
    system: agent.system,
    agentType: agent.agentType,
    blocks,
    toolRules: agent.toolRules,
    agentId: agent.id,
    conversationId,
    compiledAt,
    recallCount,
    ...(await storesOf(db, agent.id)),
  });
  await rewriteSystemMessage(db, thread, { text, memorySeen: memorySeen(blocks) });
  return text;
}

/** What the system message of an agent's thread says of what the agent can look into: its archive and its folders. */
export const storesOf = async (db: Queryable, agentId: string) => ({
  archive: await summarizeArchiveOf(db, agentId),
  directories: await directoriesOf(db, agentId),
});
