import type { NewPassage, Passage } from '../../domain/archive';
import { AppError } from '../../domain/errors';
import type { PassageContent } from '../../domain/memory-history';
import { storable, toJsonb } from '../json';
import { createConditions, likePattern, type Page, selectPage } from '../keyset';
import type { Queryable } from '../pool';
import { fromBytes, toBytes } from '../vectors/vector-bytes';

/** Told to workers when a passage lacks its vector. */
export const PASSAGES_DUE_CHANNEL = 'passages_due';

/** A passage with its vector, where there is one, and the model that gave it. */
export interface EmbeddedPassage {
  readonly passage: NewPassage;
  readonly embedding: { readonly model: string; readonly vector: Float32Array } | null;
}

/** Columns that make a `Passage`, over `passages` and its `archives` row. */
export const PASSAGE_SELECT = `select passages.id, passages.archive_id, passages.text, passages.tags, passages.metadata,
       passages.embedding, passages.created_at, passages.updated_at, archives.embedding_config
  from passages join archives on archives.id = passages.archive_id`;

export interface PassageRow {
  readonly id: string;
  readonly archive_id: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly metadata: Passage['metadata'];
  readonly embedding: Buffer | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly embedding_config: Passage['embeddingConfig'];
}

export const toPassage = (row: PassageRow): Passage => ({
  id: row.id,
  archiveId: row.archive_id,
  text: row.text,
  tags: row.tags,
  metadata: row.metadata,
  embedding: row.embedding && fromBytes(row.embedding),
  embeddingConfig: row.embedding_config,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

// A vector counts only if the archive still has the model that gave it; otherwise it is computed again. The archive
// is locked, so that its model can't change between the look and the write. Passages of one request keep its order.
const INSERT = `
  with target as (select id, embedding from archives where id = $1 for share),
       given as (
         select r.*, v.embedding, (v.embedding is not null and r.model = target.embedding) as fits,
                target.embedding is not null as wanted
           from target, rows from (jsonb_to_recordset($2::jsonb)
                  as (id text, text text, tags jsonb, metadata jsonb, created_at timestamptz, model text)) with ordinality
                  as r (id, text, tags, metadata, created_at, model, position)
                left join unnest($3::text[], $4::bytea[]) as v (id, embedding) on v.id = r.id)
  insert into passages (id, archive_id, text, tags, metadata, embedding, embedding_model, embedding_dim, embedding_due,
                        embedded_in, created_at, updated_at)
  select id, $1, text, array(select jsonb_array_elements_text(tags)), metadata,
         case when fits then embedding end, case when fits then model end,
         case when fits then length(embedding) / 4 end, case when wanted and not fits then now() end,
         case when fits then pg_current_xact_id() end, coalesce(created_at, now() + (position - 1) * interval '1 microsecond'), now()
    from given
  on conflict (id) do nothing
  returning embedding_due`;

/**
 * Stores passages of one archive, in the caller's transaction if it has one. A passage whose id is there already is left
 * as it is. Workers are told of those without a vector when the transaction commits.
 */
export async function insertPassages(
  db: Queryable,
  archiveId: string,
  passages: readonly EmbeddedPassage[],
): Promise<void> {
  const records = passages.map(({ passage, embedding }) => ({
    id: passage.id,
    text: storable(passage.text),
    tags: passage.tags,
    metadata: passage.metadata,
    created_at: passage.createdAt,
    model: embedding?.model ?? null,
  }));
  const { rows } = await db.query<{ embedding_due: Date | null }>(INSERT, [
    archiveId,
    toJsonb(records),
    passages.map(({ passage }) => passage.id),
    passages.map(({ embedding }) => embedding && toBytes(embedding.vector)),
  ]);
  if (rows.some((row) => row.embedding_due)) await tellOfDue(db);
}

/** The passages with these ids, in the order of `ids`; ids without one are left out. */
export async function getPassages(db: Queryable, ids: readonly string[]): Promise<readonly Passage[]> {
  const { rows } = await db.query<PassageRow>(`${PASSAGE_SELECT} where passages.id = any($1)`, [ids]);
  const found = new Map(rows.map((row) => [row.id, toPassage(row)]));
  return ids.flatMap((id) => found.get(id) ?? []);
}

/** One page of an archive's passages, of those that hold `search` if it is given. */
export async function listPassages(
  db: Queryable,
  archiveId: string,
  { search, ...page }: Page & { readonly search?: string | undefined },
): Promise<readonly Passage[]> {
  const conditions = createConditions();
  conditions.add('passages.archive_id = ?', archiveId);
  if (search !== undefined) conditions.add('passages.text ilike ?', likePattern(search));
  const rows = await selectPage<PassageRow>(db, {
    table: 'passages',
    select: PASSAGE_SELECT,
    ...conditions,
    sortBy: (t) => `${t}.created_at`,
    page,
  });
  return rows.map(toPassage);
}

export const passageNotFound = (id: string): AppError =>
  new AppError('NOT_FOUND', `Passage with id '${id}' not found`);

/** What a passage of an archive holds, locked until the transaction ends; null where there is no such passage. */
export async function lockPassage(
  db: Queryable,
  archiveId: string,
  id: string,
): Promise<PassageContent | null> {
  const { rows } = await db.query<PassageContent>(
    `select text, tags, metadata from passages where id = $1 and archive_id = $2 for update`,
    [id, archiveId],
  );
  return rows[0] ?? null;
}

/**
 * Gives a passage that the caller has locked other contents. The vector of another text counts until a worker, told when
 * the transaction commits, has that of the new one; its words find it at once.
 */
export async function rewritePassage(
  db: Queryable,
  id: string,
  { text, tags, metadata }: PassageContent,
): Promise<void> {
  const { rows } = await db.query<{ due: boolean }>(
    `update passages p set text = $2, tags = $3, metadata = $4, updated_at = now(), embedding_tries = 0,
            embedding_due = case when p.text <> $2 and a.embedding is not null then now() else p.embedding_due end
       from archives a where p.id = $1 and a.id = p.archive_id
     returning p.embedding_due is not null as due`,
    [id, storable(text), tags, toJsonb(metadata)],
  );
  if (!rows[0]) throw passageNotFound(id);
  if (rows[0].due) await tellOfDue(db);
}

/** Tells workers, when the transaction commits, that texts wait for their vectors. */
export const tellOfDue = (db: Queryable): Promise<unknown> =>
  db.query(`select pg_notify($1, '')`, [PASSAGES_DUE_CHANNEL]);

/** Deletes a passage of one of these archives; NOT_FOUND without it. */
export async function deletePassage(
  db: Queryable,
  archiveId: string | null,
  passageId: string,
): Promise<void> {
  const { rowCount } = await db.query(`delete from passages where id = $1 and archive_id = $2`, [
    passageId,
    archiveId,
  ]);
  if (rowCount === 0) throw passageNotFound(passageId);
}
