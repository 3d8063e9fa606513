import type { MemoryBlock } from '../domain/ports';
import type { Queryable } from './pool';

/**
 * The blocks as the model of a thread was shown them last: what it wants to change, and a human approves, is of these. A block
 * that it has not been shown is as it is.
 */
export async function asKnownInThread(
  db: Queryable,
  conversationId: string,
  blocks: readonly MemoryBlock[],
): Promise<readonly MemoryBlock[]> {
  const { rows } = await db.query<{ id: string; version: number; value: string }>(
    `select v.block_id as id, v.version, v.value
       from conversations c cross join lateral jsonb_each_text(c.memory_seen) as seen (label, revision)
            join block_versions v on v.block_id = split_part(seen.revision, '@', 1)
                                 and v.version = split_part(seen.revision, '@', 2)::bigint
      where c.id = $1`,
    [conversationId],
  );
  const known = new Map(rows.map(({ id, version, value }) => [id, { version, value }]));
  return blocks.map((block) => ({ ...block, ...known.get(block.id) }));
}
