import { DEFAULT_BLOCK_LIMIT, defaultBlockDescription } from '../domain/block';
import type { MemoryChange } from '../domain/memory-changes';
import { revisionOf } from '../domain/prompt';
import { toolError } from '../domain/tool-failure';
import { newId } from '../new-id';
import { attachBlock, detachBlock, relabelAttached } from './agent-attachments';
import { storable } from './json';
import type { Queryable } from './pool';

/** Throws a tool error if a block that other agents share can't take its new label. Writes nothing. */
export async function checkChanges(db: Queryable, changes: readonly MemoryChange[]): Promise<void> {
  for (const change of changes) {
    if (change.kind !== 'rename') continue;
    const { rowCount } = await db.query(
      `select from agent_blocks mine join agent_blocks other on other.agent_id = mine.agent_id
        where mine.block_id = $1 and other.label = $2 and other.block_id <> $1 limit 1`,
      [change.block.id, change.label],
    );
    if (rowCount === 0) continue;
    throw toolError(
      'ValueError',
      `The block "${change.block.label}" is shared, and an agent that shares it has another block "${change.label}". ` +
        'Nothing was changed. Choose another label.',
    );
  }
}

type Thread = { readonly agentId: string; readonly conversationId: string | null };

/** Makes a change of which blocks an agent has. The thread it was made in knows of it; others are told by a note. */
export async function makeChange(
  db: Queryable,
  { agentId, conversationId }: Thread,
  change: Exclude<MemoryChange, { readonly kind: 'write' }>,
): Promise<void> {
  switch (change.kind) {
    case 'create': {
      const id = newId('block');
      await db.query(
        `insert into blocks (id, label, value, "limit", description) values ($1, $2, $3, $4, $5)`,
        [
          id,
          change.label,
          storable(change.value),
          DEFAULT_BLOCK_LIMIT,
          change.description === null ? defaultBlockDescription(change.label) : storable(change.description),
        ],
      );
      await attachBlock(db, agentId, { id, label: change.label });
      return show(db, conversationId, change.label, revisionOf({ id, version: 1 }));
    }
    case 'detach':
      await detachBlock(db, agentId, change.block.id);
      return forget(db, conversationId, change.block.label);
    case 'rename': {
      const { block, label } = change;
      await db.query('update blocks set label = $2, updated_at = now() where id = $1', [block.id, label]);
      await relabelAttached(db, { id: block.id, label });
      await forget(db, conversationId, block.label);
      return show(db, conversationId, label, revisionOf(block));
    }
    case 'describe':
      await db.query('update blocks set description = $2, updated_at = now() where id = $1', [
        change.block.id,
        storable(change.description),
      ]);
  }
}

async function show(
  db: Queryable,
  conversationId: string | null,
  label: string,
  revision: string,
): Promise<void> {
  await db.query(
    `update conversations set memory_seen = memory_seen || jsonb_build_object($2::text, $3::text) where id = $1`,
    [conversationId, label, revision],
  );
}

async function forget(db: Queryable, conversationId: string | null, label: string): Promise<void> {
  await db.query(`update conversations set memory_seen = memory_seen - $2::text where id = $1`, [
    conversationId,
    label,
  ]);
}
