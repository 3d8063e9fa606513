import { withWrite } from '../domain/memory-history';
import type { MemoryWrite } from '../domain/tool';
import { memoryTransaction } from './memory-transaction';
import type { Queryable } from './pool';

/**
 * Stores what a tool's source wrote to its agent's memory, in the transaction that stores the outcome. What others wrote to
 * other lines meanwhile stays; on the same lines the tool wins, which came last. The model is told by a note.
 */
export async function writeAgentMemory(
  db: Queryable,
  { agentId, conversationId }: { readonly agentId: string; readonly conversationId: string | null },
  writes: readonly MemoryWrite[] = [],
): Promise<void> {
  if (writes.length === 0) return;
  const memory = memoryTransaction(db, { agentId, conversationId, isUnseen: true });
  const blocks = await memory.blocks();
  for (const write of writes) {
    const block = blocks.find(({ label }) => label === write.label);
    if (block && !block.readOnly)
      await memory.writeBlock(block, withWrite(block.value, write) ?? write.after);
  }
}
