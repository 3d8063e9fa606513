import { insertThread } from '../db/agent-threads';
import { storesOf } from '../db/system-messages';
import { lockAgent } from '../db/agents';
import { contextUpTo, copyMessages } from '../db/fork-thread';
import { isolatedLabels } from '../db/isolated-blocks';
import { inTransaction, type Pool, type Queryable } from '../db/pool';
import { blocksOfThread } from '../db/thread-blocks';
import type { JsonObject } from '../domain/agent';
import { memorySeen } from '../domain/prompt';
import { newId } from '../new-id';
import { isolate } from './create-conversation';
import { firstSystemMessage } from './system-message';
import type { Thread } from './threads';

/**
 * Opens a conversation that goes on from what another thread holds, or held at one of its messages, under a system message
 * of its own. A turn that is under way in the other thread is not disturbed; what it has not completed is left out.
 */
export function forkConversation(
  db: Pool,
  source: Thread,
  { messageId, isHidden }: { readonly messageId: string | null; readonly isHidden: boolean },
): Promise<string> {
  const { agentId } = source;
  return inTransaction(db, async (tx) => {
    const agent = await lockAgent(tx, agentId);
    const blocks = await blocksOfThread(tx, source);
    const stores = await storesOf(tx, agentId);
    const labels = await isolatedLabels(tx, source.conversationId);
    const conversationId = newId('conv');
    await insertThread(tx, {
      agentId,
      conversationId,
      summary: null,
      messages: [firstSystemMessage(agent, blocks, { conversationId, ...stores })],
      memorySeen: memorySeen(blocks),
      own: await ownModel(tx, source.conversationId),
      isHidden,
    });
    await isolate(tx, {
      conversationId,
      blocks,
      chosen: blocks.filter(({ label }) => labels.includes(label)),
    });
    const thread = { agentId, conversationId };
    await copyMessages(tx, thread, await contextUpTo(tx, source.conversationId, messageId));
    return conversationId;
  });
}

async function ownModel(tx: Queryable, conversationId: string) {
  const { rows } = await tx.query<{
    model: string | null;
    modelSettings: JsonObject | null;
    llmConfig: JsonObject | null;
  }>(
    `select model, model_settings as "modelSettings", llm_config as "llmConfig" from conversations where id = $1`,
    [conversationId],
  );
  return rows[0] ?? { model: null, modelSettings: null, llmConfig: null };
}
