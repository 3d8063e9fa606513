import type { Block } from '../domain/block';
import { type BlockRow, toBlock } from './blocks';
import type { Queryable } from './pool';

/**
 * The `from` clause of the blocks `b` that an agent has in one of its threads, through `ab`: where the conversation has a
 * block of its own for a label, that one. The arguments are SQL, never input.
 */
export const blocksInThread = (agentId: string, conversationId: string): string =>
  `agent_blocks ab left join conversation_blocks own on own.conversation_id = ${conversationId} and own.label = ab.label
     join blocks b on b.id = coalesce(own.block_id, ab.block_id) where ab.agent_id = ${agentId}`;

/** The blocks that a thread's model sees, in the order they were attached to the agent. */
export async function blocksOfThread(
  db: Queryable,
  { agentId, conversationId }: { readonly agentId: string; readonly conversationId: string },
): Promise<readonly Block[]> {
  const { rows } = await db.query<BlockRow>(
    `select b.* from ${blocksInThread('$1', '$2')} order by ab.position`,
    [agentId, conversationId],
  );
  return rows.map(toBlock);
}
