import type { BlockAuthor, BlockVersion } from '../domain/block-history';
import { AppError } from '../domain/errors';
import type { Queryable } from './pool';

interface VersionRow {
  readonly block_id: string;
  readonly version: number;
  readonly label: string;
  readonly value: string;
  readonly before: string | null;
  readonly author: BlockAuthor;
  readonly model: string | null;
  readonly source_message_id: string | null;
  readonly created_at: Date;
}

const toVersion = (row: VersionRow): BlockVersion => ({
  blockId: row.block_id,
  version: row.version,
  label: row.label,
  value: row.value,
  before: row.before,
  author: row.author,
  model: row.model,
  sourceMessageId: row.source_message_id,
  createdAt: row.created_at,
});

const SELECT = `
  select v.block_id, v.version, v.label, v.value, v.author, v.created_at, s.model_handle as model,
         (select b.value from block_versions b where b.block_id = v.block_id and b.version < v.version
           order by b.version desc limit 1) as before,
         (select m.id from messages m where m.run_id = v.author ->> 'runId' and m.role = 'user'
           order by m.seq limit 1) as source_message_id
    from block_versions v left join steps s on s.id = v.author ->> 'stepId'`;

export interface VersionPage {
  /** Version numbers to page from. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** Leaves out what was written after it. */
  readonly until: Date | null;
}

/** One page of a block's versions. */
export async function listBlockVersions(
  db: Queryable,
  blockId: string,
  { after, before, limit, order, until }: VersionPage,
): Promise<readonly BlockVersion[]> {
  const [low, high] = order === 'asc' ? [after, before] : [before, after];
  const { rows } = await db.query<VersionRow>(
    `${SELECT} where v.block_id = $1 and ($2::bigint is null or v.version > $2) and ($3::bigint is null or v.version < $3)
                 and ($4::timestamptz is null or v.created_at <= $4)
      order by v.version ${order} limit $5`,
    [blockId, low ?? null, high ?? null, until, limit],
  );
  return rows.map(toVersion);
}

/** All versions of a block from its first one on. */
export const allBlockVersions = (db: Queryable, blockId: string): Promise<readonly BlockVersion[]> =>
  listBlockVersions(db, blockId, { limit: 1_000_000, order: 'asc', until: null });

/** One version of a block; NOT_FOUND without it. */
export async function getBlockVersion(
  db: Queryable,
  blockId: string,
  version: number,
): Promise<BlockVersion> {
  const { rows } = await db.query<VersionRow>(`${SELECT} where v.block_id = $1 and v.version = $2`, [
    blockId,
    version,
  ]);
  if (rows[0]) return toVersion(rows[0]);
  throw new AppError(
    'NOT_FOUND',
    `Block '${blockId}' has no version ${version}; its history lists those it has.`,
  );
}

/** The version that was in force at a moment; NOT_FOUND before the first one. */
export async function getBlockVersionAt(db: Queryable, blockId: string, at: Date): Promise<BlockVersion> {
  const [version] = await listBlockVersions(db, blockId, { limit: 1, order: 'desc', until: at });
  if (version) return version;
  throw new AppError('NOT_FOUND', `Block '${blockId}' did not exist at ${at.toISOString()}.`);
}

/**
 * What a message taught: every write of a block that a tool call after it made in the turn that read it, oldest first.
 * NOT_FOUND without such a message.
 */
export async function writesAfterMessage(db: Queryable, messageId: string): Promise<readonly BlockVersion[]> {
  const { rowCount } = await db.query('select from messages where id = $1', [messageId]);
  if (rowCount === 0) {
    throw new AppError(
      'NOT_FOUND',
      `Message '${messageId}' was not found. List the messages to see which exist.`,
    );
  }
  const { rows } = await db.query<VersionRow>(
    `${SELECT} join messages source on source.id = $1
       join steps own on own.id = v.author ->> 'stepId'
       left join steps at on at.id = source.step_id
      where v.author ->> 'runId' = source.run_id and v.author ->> 'kind' = 'tool'
        and (source.role in ('user', 'system') or own.index > at.index)
      order by v.created_at, v.block_id, v.version`,
    [messageId],
  );
  return rows.map(toVersion);
}
