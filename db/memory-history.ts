import { AppError } from '../domain/errors';
import type {
  BlockVersion,
  MemoryAuthor,
  MemoryVersion,
  MemoryWrite,
  PassageVersion,
} from '../domain/memory-history';
import type { Queryable } from './pool';

interface VersionRow {
  readonly kind: 'block' | 'passage';
  readonly id: string;
  readonly version: number;
  readonly author: MemoryAuthor;
  readonly model: string | null;
  readonly source_message_id: string | null;
  readonly created_at: Date;
  readonly text: string;
  readonly before: { readonly text: string; readonly tags: string[]; readonly metadata: object } | null;
  readonly label: string;
  readonly archive_id: string;
  readonly tags: readonly string[];
  readonly metadata: PassageVersion['content']['metadata'];
  readonly passage_created_at: Date;
  readonly is_deleted: boolean;
  readonly seq: number;
}

function toVersion(row: VersionRow): MemoryVersion {
  const write: MemoryWrite = {
    id: row.id,
    version: row.version,
    author: row.author,
    model: row.model,
    sourceMessageId: row.source_message_id,
    createdAt: row.created_at,
  };
  if (row.kind === 'block') {
    return { ...write, kind: 'block', label: row.label, value: row.text, before: row.before?.text ?? null };
  }
  return {
    ...write,
    kind: 'passage',
    archiveId: row.archive_id,
    content: { text: row.text, tags: row.tags, metadata: row.metadata },
    isDeleted: row.is_deleted,
    before: row.before as PassageVersion['before'],
    passageCreatedAt: row.passage_created_at,
    seq: row.seq,
  };
}

/** Versions of blocks and passages as `v`, with what they were written in: the step, and its reply in the thread. */
export const VERSION_SELECT = `
  select v.*, s.model_handle as model,
         (select case when not b.is_deleted then jsonb_build_object('text', b.text, 'tags', b.tags, 'metadata', b.metadata) end
            from memory_versions b where b.id = v.id and b.version < v.version order by b.version desc limit 1) as before,
         (select m.id from messages m where m.conversation_id = reply.conversation_id and m.role = 'user' and m.seq < reply.seq
           order by m.seq desc limit 1) as source_message_id
    from memory_versions v
         left join steps s on s.id = v.author ->> 'stepId' left join messages reply on reply.id = s.message_id`;

/** The versions that a query over `VERSION_SELECT` finds. */
export async function selectVersions(
  db: Queryable,
  text: string,
  values: readonly unknown[],
): Promise<readonly MemoryVersion[]> {
  const { rows } = await db.query<VersionRow>(text, [...values]);
  return rows.map(toVersion);
}

export interface VersionPage {
  /** Numbers to page from: versions, or in the history of an archive the places of its writes. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** Leaves out what was written after it. */
  readonly until: Date | null;
}

async function listVersions(
  db: Queryable,
  of: { readonly column: 'id' | 'archive_id'; readonly id: string; readonly by: 'version' | 'seq' },
  { after, before, limit, order, until }: VersionPage,
): Promise<readonly MemoryVersion[]> {
  const [low, high] = order === 'asc' ? [after, before] : [before, after];
  return selectVersions(
    db,
    `${VERSION_SELECT} where v.${of.column} = $1 and ($2::bigint is null or v.${of.by} > $2)
                 and ($3::bigint is null or v.${of.by} < $3) and ($4::timestamptz is null or v.created_at <= $4)
      order by v.${of.by} ${order} limit $5`,
    [of.id, low ?? null, high ?? null, until, limit],
  );
}

const isBlock = (version: MemoryVersion): version is BlockVersion => version.kind === 'block';
const isPassage = (version: MemoryVersion): version is PassageVersion => version.kind === 'passage';

/** One page of a block's versions. */
export const listBlockVersions = async (
  db: Queryable,
  id: string,
  page: VersionPage,
): Promise<readonly BlockVersion[]> =>
  (await listVersions(db, { column: 'id', id, by: 'version' }, page)).filter(isBlock);

/** All versions of a block from its first one on. */
export const allBlockVersions = (db: Queryable, blockId: string): Promise<readonly BlockVersion[]> =>
  listBlockVersions(db, blockId, { limit: 1_000_000, order: 'asc', until: null });

/** One page of a passage's versions, also of one that is gone; NOT_FOUND if the archive never had it. */
export async function listPassageVersions(
  db: Queryable,
  { archiveId, id }: PassageOfArchive,
  page: VersionPage,
): Promise<readonly PassageVersion[]> {
  const { rowCount } = await db.query(
    `select from passage_versions where passage_id = $1 and archive_id = $2 limit 1`,
    [id, archiveId],
  );
  if (rowCount === 0) throw new AppError('NOT_FOUND', `Passage with id '${id}' not found`);
  return (await listVersions(db, { column: 'id', id, by: 'version' }, page)).filter(isPassage);
}

export interface PassageOfArchive {
  readonly archiveId: string;
  readonly id: string;
}

/** One page of the writes of all passages of an archive. */
export const listArchiveWrites = async (
  db: Queryable,
  id: string,
  page: VersionPage,
): Promise<readonly PassageVersion[]> =>
  (await listVersions(db, { column: 'archive_id', id, by: 'seq' }, page)).filter(isPassage);

/** One page of the passages that an archive had at a moment, each as of then, oldest first. */
export async function listPassagesAt(
  db: Queryable,
  archiveId: string,
  {
    at,
    after,
    limit,
  }: { readonly at: Date | null; readonly after?: string | undefined; readonly limit: number },
): Promise<readonly PassageVersion[]> {
  const versions = await selectVersions(
    db,
    `${VERSION_SELECT}
       join (select distinct on (passage_id) passage_id, version, is_deleted from passage_versions
              where archive_id = $1 and ($2::timestamptz is null or created_at <= $2)
              order by passage_id, version desc) as last on last.passage_id = v.id and last.version = v.version
      where not last.is_deleted and ($3::text is null or (v.passage_created_at, v.id) >
             (select passage_created_at, passage_id from passage_versions where passage_id = $3 limit 1))
      order by v.passage_created_at, v.id limit $4`,
    [archiveId, at, after ?? null, limit],
  );
  return versions.filter(isPassage);
}

/** One version of a block or a passage; NOT_FOUND without it. */
export async function getVersion(
  db: Queryable,
  of: { readonly kind: 'block' | 'passage'; readonly id: string },
  version: number,
): Promise<MemoryVersion> {
  const [found] = await selectVersions(db, `${VERSION_SELECT} where v.id = $1 and v.version = $2`, [
    of.id,
    version,
  ]);
  if (found) return found;
  throw new AppError('NOT_FOUND', `${nameOf(of)} has no version ${version}; its history lists those it has.`);
}

/** The last version of a block or a passage; null where there never was one. */
export async function findLastVersion(db: Queryable, id: string): Promise<MemoryVersion | null> {
  const [last] = await selectVersions(
    db,
    `${VERSION_SELECT} where v.id = $1 order by v.version desc limit 1`,
    [id],
  );
  return last ?? null;
}

const nameOf = ({ kind, id }: { readonly kind: 'block' | 'passage'; readonly id: string }): string =>
  `${kind === 'block' ? 'Block' : 'Passage'} '${id}'`;

/** The version of a block that was in force at a moment; NOT_FOUND before the first one. */
export async function getBlockVersionAt(db: Queryable, id: string, at: Date): Promise<BlockVersion> {
  const [version] = await listBlockVersions(db, id, { limit: 1, order: 'desc', until: at });
  if (version) return version;
  throw notThere({ kind: 'block', id }, at);
}

/** The version of a passage that was in force at a moment; NOT_FOUND where there was none, before it or after its end. */
export async function getPassageVersionAt(
  db: Queryable,
  of: PassageOfArchive,
  at: Date | null,
): Promise<PassageVersion> {
  const [version] = await listPassageVersions(db, of, { limit: 1, order: 'desc', until: at });
  if (version && !version.isDeleted) return version;
  throw notThere({ kind: 'passage', id: of.id }, at);
}

const notThere = (of: Parameters<typeof nameOf>[0], at: Date | null): AppError =>
  new AppError(
    'NOT_FOUND',
    at
      ? `${nameOf(of)} did not exist at ${at.toISOString()}.`
      : `${nameOf(of)} was deleted; its history has it.`,
  );
