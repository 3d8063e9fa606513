import type { MemoryBlock, MemoryTransaction } from '../domain/ports';
import { AppError } from '../domain/errors';
import type { MemoryChange } from '../domain/memory-changes';
import { rebaseEdit } from '../domain/memory-edits';
import { revisionOf } from '../domain/prompt';
import { requireArchiveOf } from './archives/archives';
import { insertPassages } from './archives/passages';
import type { Queryable } from './pool';
import { storable } from './json';
import { asKnownInThread } from './known-blocks';
import { checkChanges, makeChange } from './memory-changes';
import { blocksInThread } from './thread-blocks';

interface BlockRow {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly limit: number;
  readonly read_only: boolean;
  readonly version: number;
}

export interface MemoryThread {
  readonly agentId: string;
  /** Null: no thread knows of an edit, and each is told by a note. */
  readonly conversationId: string | null;
  /**
   * A human has approved what the model wants to change, of the blocks as it knows them: those are what `blocks` gives, and
   * changes are made on top of what others have written since, or not at all.
   */
  readonly isReviewed?: boolean;
  /** The model does not read what is written, so a note tells it. */
  readonly isUnseen?: boolean;
}

/** A block row as tools and prompts see it. */
export const toMemoryBlock = (row: BlockRow): MemoryBlock => ({
  id: row.id,
  label: row.label,
  value: row.value,
  limit: row.limit,
  readOnly: row.read_only,
  version: row.version,
});

type RebasedChange = MemoryChange & { readonly isKnown?: boolean };

/**
 * The agent's blocks in the caller's transaction. Reading locks them in id order until the end, so concurrent edits
 * of a shared block wait for each other and none is lost. An edit made in a thread counts as known there. Passages are stored without their vector: no model
 * is waited for inside a transaction.
 */
export function memoryTransaction(
  db: Queryable,
  { agentId, conversationId, isReviewed = false, isUnseen = false }: MemoryThread,
): MemoryTransaction {
  const currentBlocks = () => lockBlocks(db, agentId, conversationId);

  /** All changes on top of what the blocks hold, before the first of them is made. */
  async function rebased(changes: readonly MemoryChange[]): Promise<readonly RebasedChange[]> {
    if (!isReviewed) return changes;
    const current = await currentBlocks();
    return changes.map((change) => {
      const block = change.kind === 'write' && current.find(({ id }) => id === change.block.id);
      if (!block) return change;
      const isKnown = block.version === change.block.version;
      return { ...change, ...rebaseEdit(change, block), isKnown };
    });
  }

  async function writeBlock(block: MemoryBlock, value: string, isKnown = true): Promise<void> {
    const { rows } = await db.query<{ version: number }>(
      `update blocks set value = $3, version = version + 1, updated_at = now()
        where id = $1 and version = $2 returning version`,
      [block.id, block.version, storable(value)],
    );
    const version = rows[0]?.version;
    if (version === undefined) {
      throw new AppError('CONFLICT', `block ${block.id} changed since version ${block.version}; try again`);
    }
    // What others wrote below a reviewed edit the model has yet to be told.
    if (!isKnown || isUnseen) return;
    await db.query(
      `update conversations set memory_seen = memory_seen || jsonb_build_object($2::text, $3::text) where id = $1`,
      [conversationId, block.label, revisionOf({ id: block.id, version })],
    );
  }

  return {
    async blocks() {
      const blocks = await currentBlocks();
      return isReviewed && conversationId !== null ? asKnownInThread(db, conversationId, blocks) : blocks;
    },
    writeBlock: (block, value) => writeBlock(block, value),
    async applyChanges(changes: readonly MemoryChange[]) {
      await checkChanges(db, changes);
      for (const change of await rebased(changes)) {
        if (change.kind === 'write') await writeBlock(change.block, change.value, change.isKnown);
        else await makeChange(db, { agentId, conversationId }, change);
      }
    },
    async insertPassage(passage) {
      const archive = await requireArchiveOf(db, agentId);
      await insertPassages(db, archive.id, [{ passage, embedding: null }]);
    },
  };
}

/** The blocks of an agent in a thread, locked in id order. */
async function lockBlocks(
  db: Queryable,
  agentId: string,
  conversationId: string | null,
): Promise<readonly MemoryBlock[]> {
  const seen = blocksInThread('$1', '$2');
  await db.query(`select id from blocks where id in (select b.id from ${seen}) order by id for update`, [
    agentId,
    conversationId,
  ]);
  const { rows } = await db.query<BlockRow>(
    `select b.id, ab.label, b.value, b."limit", b.read_only, b.version from ${seen} order by ab.position`,
    [agentId, conversationId],
  );
  return rows.map(toMemoryBlock);
}
