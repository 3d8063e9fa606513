import type { Block } from '../domain/block';
import { newId } from '../new-id';
import { insertBlock } from './blocks';
import type { Queryable } from './pool';

/** Gives a conversation copies of these blocks; its model sees and edits them in place of the agent's of the same labels. */
export async function isolateBlocks(
  db: Queryable,
  conversationId: string,
  blocks: readonly Block[],
): Promise<readonly Block[]> {
  const copies: Block[] = [];
  for (const block of blocks) {
    const copy = await insertBlock(db, { ...block, id: newId('block') });
    await db.query(`insert into conversation_blocks (conversation_id, label, block_id) values ($1, $2, $3)`, [
      conversationId,
      block.label,
      copy.id,
    ]);
    copies.push(copy);
  }
  return copies;
}

/** Labels of the blocks that a conversation has for itself. */
export async function isolatedLabels(db: Queryable, conversationId: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ label: string }>(
    `select label from conversation_blocks where conversation_id = $1 order by label`,
    [conversationId],
  );
  return rows.map(({ label }) => label);
}

/** Deletes the blocks that only this conversation has. */
export async function deleteOwnBlocks(db: Queryable, conversationId: string): Promise<void> {
  await db.query(
    `delete from blocks where id in (select block_id from conversation_blocks where conversation_id = $1)`,
    [conversationId],
  );
}
