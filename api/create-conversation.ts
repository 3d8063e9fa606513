import { blocksOf } from '../db/agent-attachments';
import { summarizeArchiveOf } from '../db/archives/archives';
import { insertThread } from '../db/agent-threads';
import { lockAgent } from '../db/agents';
import { getConversation, type Conversation } from '../db/conversations';
import { inTransaction, type Pool } from '../db/pool';
import { AppError } from '../domain/errors';
import { memorySeen } from '../domain/prompt';
import { newId } from '../new-id';
import { firstSystemMessage } from './system-message';
import type { CreateConversationBody } from './wire/conversation';

/** Opens a further thread of an agent, with a system message of its own; the memory blocks stay the agent's. */
export function createConversation(
  db: Pool,
  agentId: string,
  body: CreateConversationBody,
): Promise<Conversation> {
  refuseOwnSettings(body);
  return inTransaction(db, async (tx) => {
    // Locked, so that a change of the agent is wholly in this thread's system message or rewrites it.
    const agent = await lockAgent(tx, agentId);
    const blocks = (await blocksOf(tx, [agentId])).get(agentId) ?? [];
    const archive = await summarizeArchiveOf(tx, agentId);
    const conversationId = newId('conv');
    await insertThread(tx, {
      agentId,
      conversationId,
      summary: body.summary ?? null,
      messages: [firstSystemMessage(agent, blocks, { conversationId, archive })],
      memorySeen: memorySeen(blocks),
    });
    return getConversation(tx, conversationId);
  });
}

/** A conversation that silently used another model or other blocks than asked for would be worse than none. */
export function refuseOwnSettings(body: CreateConversationBody): void {
  const isAsked = (body.isolated_block_labels ?? []).length > 0 || body.model || body.model_settings;
  if (!isAsked) return;
  throw new AppError(
    'INVALID_ARGUMENT',
    'INVALID_ARGUMENT: Conversations share the model and the blocks of their agent. Leave `model`, `model_settings` ' +
      'and `isolated_block_labels` out; `override_model` of a message sets the model of one turn.',
  );
}
