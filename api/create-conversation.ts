import { storesOf } from '../db/system-messages';
import { insertThread } from '../db/agent-threads';
import { blocksOf } from '../db/agent-attachments';
import { getAgent, lockAgent } from '../db/agents';
import { getConversation, updateConversation, type Conversation } from '../db/conversations';
import { isolateBlocks } from '../db/isolated-blocks';
import { inTransaction, type Queryable } from '../db/pool';
import type { Block } from '../domain/block';
import { AppError } from '../domain/errors';
import { memorySeen } from '../domain/prompt';
import { newId } from '../new-id';
import { conversationModel } from './conversation-model';
import type { ApiDeps } from './deps';
import { firstSystemMessage } from './system-message';
import type { CreateConversationBody, UpdateConversationBody } from './wire/conversation';

/**
 * Opens a further thread of an agent, with a system message of its own. The memory blocks stay the agent's, but for those
 * that the request wants copies of.
 */
export async function createConversation(
  { db, models }: Pick<ApiDeps, 'db' | 'models'>,
  agentId: string,
  body: CreateConversationBody,
): Promise<Conversation> {
  const own = await conversationModel(models, await getAgent(db, agentId), body);
  return inTransaction(db, async (tx) => {
    // Locked, so that a change of the agent is wholly in this thread's system message or rewrites it.
    const agent = await lockAgent(tx, agentId);
    const blocks = (await blocksOf(tx, [agentId])).get(agentId) ?? [];
    const stores = await storesOf(tx, agentId);
    const chosen = chooseBlocks(blocks, body.isolated_block_labels ?? []);
    const conversationId = newId('conv');
    const thread = { agentId, conversationId, summary: body.summary ?? null, own };
    await insertThread(tx, {
      ...thread,
      messages: [firstSystemMessage(agent, blocks, { conversationId, ...stores })],
      memorySeen: memorySeen(blocks),
    });
    await isolate(tx, { conversationId, blocks, chosen });
    return getConversation(tx, conversationId);
  });
}

/** Copies blocks into a conversation that was just stored: its model is shown the copies from the start. */
export async function isolate(
  tx: Queryable,
  {
    conversationId,
    blocks,
    chosen,
  }: {
    readonly conversationId: string;
    readonly blocks: readonly Block[];
    readonly chosen: readonly Block[];
  },
): Promise<void> {
  if (chosen.length === 0) return;
  const copies = await isolateBlocks(tx, conversationId, chosen);
  const seen = blocks.map((block) => copies.find(({ label }) => label === block.label) ?? block);
  await tx.query(`update conversations set memory_seen = $2 where id = $1`, [
    conversationId,
    JSON.stringify(memorySeen(seen)),
  ]);
}

function chooseBlocks(blocks: readonly Block[], labels: readonly string[]): readonly Block[] {
  const missing = labels.filter((wanted) => !blocks.some(({ label }) => label === wanted));
  if (missing.length === 0) return blocks.filter(({ label }) => labels.includes(label));
  throw new AppError(
    'INVALID_ARGUMENT',
    `INVALID_ARGUMENT: The agent has no block labelled ${missing.map((label) => `'${label}'`).join(', ')}; ` +
      `it has ${blocks.map(({ label }) => `'${label}'`).join(', ') || 'none'}.`,
  );
}

/** Changes what a request names of a conversation; null takes a value away. */
export async function changeConversation(
  { db, models }: Pick<ApiDeps, 'db' | 'models'>,
  id: string,
  body: UpdateConversationBody,
): Promise<void> {
  const conversation = await getConversation(db, id);
  const asked = {
    model: body.model === undefined ? conversation.model : body.model,
    model_settings: body.model_settings === undefined ? conversation.modelSettings : body.model_settings,
  };
  const isModelAsked = body.model !== undefined || body.model_settings !== undefined;
  const own = isModelAsked
    ? await conversationModel(models, await getAgent(db, conversation.agentId), asked)
    : {};
  await updateConversation(db, id, { ...own, ...(body.summary !== undefined && { summary: body.summary }) });
}
