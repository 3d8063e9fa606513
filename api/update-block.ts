import { relabelAttached } from '../db/agent-attachments';
import { updateBlock } from '../db/blocks';
import { inTransaction, type Pool, type Queryable } from '../db/pool';
import { AppError } from '../domain/errors';
import { type Block, type BlockPatch, checkBlockLabel, checkBlockValue } from '../domain/block';

/**
 * Applies a patch to the block that `lock` reads and locks, so that a memory edit by a tool comes wholly before or
 * wholly after it. CONFLICT when the block is not at the version that the caller has read.
 */
export async function changeBlock(
  db: Pool,
  lock: (tx: Queryable) => Promise<Block>,
  patch: BlockPatch,
  expectedVersion: number | null = null,
): Promise<Block> {
  return inTransaction(db, async (tx) => {
    const block = await lock(tx);
    if (expectedVersion !== null && expectedVersion !== block.version) {
      throw new AppError(
        'CONFLICT',
        `CONFLICT: Block '${block.id}' is at version ${block.version}, not ${expectedVersion}. Read it again and apply your change.`,
      );
    }
    const changed = { ...block, ...patch };
    if (patch.label !== undefined) checkBlockLabel(patch.label);
    if (patch.value !== undefined || patch.limit !== undefined) checkBlockValue(changed);
    const stored = await updateBlock(tx, block.id, patch);
    if (stored.label !== block.label) await relabelAttached(tx, stored);
    return stored;
  });
}
