import { getBlockVersion, writesAfterMessage } from '../db/block-history';
import { setBlockAuthor } from '../db/block-author';
import { lockBlock, updateBlock } from '../db/blocks';
import { inTransaction, type Pool, type Queryable } from '../db/pool';
import { type Block, checkBlockValue } from '../domain/block';
import { withoutWrite } from '../domain/block-history';
import { AppError } from '../domain/errors';

/** Gives a block the value that it had at a version, as a version of its own. */
export function revertBlock(db: Pool, blockId: string, version: number): Promise<Block> {
  return inTransaction(db, async (tx) => {
    const block = await lockBlock(tx, blockId);
    const { value } = await getBlockVersion(tx, blockId, version);
    await setBlockAuthor(tx, { kind: 'revert', revertedTo: version });
    return write(tx, block, value);
  });
}

/**
 * Takes back everything that a message taught, newest first, in all blocks or in none. Later writes to other lines stay;
 * CONFLICT where they are to the same ones.
 */
export function unlearnMessage(db: Pool, messageId: string): Promise<readonly Block[]> {
  return inTransaction(db, async (tx) => {
    const writes = await writesAfterMessage(tx, messageId);
    const blocks = new Map<string, Block>();
    for (const id of [...new Set(writes.map(({ blockId }) => blockId))].sort())
      blocks.set(id, await lockBlock(tx, id));
    await setBlockAuthor(tx, { kind: 'revert', revertedMessageId: messageId });
    const values = new Map([...blocks].map(([id, { value }]) => [id, value]));
    for (const { blockId, version, before, value } of writes.toReversed()) {
      const taken = withoutWrite(values.get(blockId) ?? '', { before: before ?? '', after: value });
      if (taken === null) throw overwritten(blockId, version);
      values.set(blockId, taken);
    }
    const stored: Block[] = [];
    for (const [id, block] of blocks) stored.push(await write(tx, block, values.get(id) ?? ''));
    return stored;
  });
}

const overwritten = (blockId: string, version: number): AppError =>
  new AppError(
    'CONFLICT',
    `CONFLICT: Later writes changed the lines that version ${version} of block '${blockId}' brought, so nothing was taken ` +
      'back. Look at the history of the block and revert it to a version, or edit it.',
  );

async function write(tx: Queryable, block: Block, value: string): Promise<Block> {
  checkBlockValue({ ...block, value });
  return updateBlock(tx, block.id, { value });
}
