import type { JsonObject } from '../../domain/agent';
import { type Archive, type ArchiveFields, dimensionsOf } from '../../domain/archive';
import type { Embedder } from '../../domain/embedder';
import { AppError, isRetryable } from '../../domain/errors';
import type { ReembedProgress, ReembedStore } from '../../domain/reembed';
import { storable } from '../json';
import { inTransaction, type Pool, type Queryable } from '../pool';
import { lockArchive, updateArchive } from './archives';
import { toBytes } from '../vectors/vector-bytes';

const AT_A_TIME = 64;

/**
 * Applies an update of an archive in the caller's transaction. A change of its embedding model is noted under `reembedId` for
 * the workflow that gives its passages new vectors; until then their words find them. Null when no passage needs one.
 */
export async function changeArchive(
  db: Queryable,
  {
    id,
    patch,
    reembedId,
  }: { readonly id: string; readonly patch: Partial<ArchiveFields>; readonly reembedId: string },
): Promise<{ readonly archive: Archive; readonly reembedId: string | null }> {
  const before = await lockArchive(db, id);
  const archive = await updateArchive(db, id, patch);
  const isSame =
    archive.embedding === before.embedding &&
    dimensionsOf(archive.embeddingConfig) === dimensionsOf(before.embeddingConfig);
  if (isSame) return { archive, reembedId: null };
  await db.query(
    `update reembeds set status = 'superseded', finished_at = now() where archive_id = $1 and status = 'running'`,
    [id],
  );
  if (archive.embedding === null) {
    await db.query(`update passages set embedding_due = null where archive_id = $1`, [id]);
    return { archive, reembedId: null };
  }
  // A worker that is computing a vector of the model before does not store it.
  await db.query(
    `update passages set embedding_due = now() where archive_id = $1 and embedding_due is not null`,
    [id],
  );
  await db.query(`insert into reembeds (id, archive_id, embedding) values ($1, $2, $3)`, [
    reembedId,
    id,
    archive.embedding,
  ]);
  return { archive, reembedId };
}

/** Changes of model that no workflow may hold: the process that noted them died before it could start one. */
export async function findStrandedReembeds(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from reembeds where status = 'running' and created_at < now() - interval '10 seconds'
      order by created_at limit 100`,
  );
  return rows.map(({ id }) => id);
}

/** Changes of model on Postgres. */
export const createReembedStore = (pool: Pool, embedder: Embedder): ReembedStore => ({
  embedNext: (reembedId, signal) => embedNext(pool, embedder, reembedId, signal),
});

interface BatchRow {
  readonly id: string;
  readonly text: string;
}
interface Reembed {
  readonly archive_id: string;
  readonly embedding: string;
  readonly cursor: string;
  readonly status: string;
  readonly config: JsonObject | null;
}

async function embedNext(
  pool: Pool,
  embedder: Embedder,
  reembedId: string,
  signal: AbortSignal,
): Promise<ReembedProgress> {
  const reembed = await load(pool, reembedId);
  if (reembed?.status !== 'running') return { isDone: true };
  const { rows } = await pool.query<BatchRow>(
    `select id, text from passages where archive_id = $1 and id > $2 order by id limit ${AT_A_TIME}`,
    [reembed.archive_id, reembed.cursor],
  );
  if (rows.length === 0) return finish(pool, reembedId, 'completed');
  const target = { handle: reembed.embedding, dimensions: dimensionsOf(reembed.config) };
  try {
    const vectors = await embedder.embed(target, rows.map(({ text }) => text), signal); // prettier-ignore
    await store(pool, { reembedId, reembed, rows, vectors });
    return { isDone: false };
  } catch (error) {
    if (!(error instanceof AppError) || isRetryable(error.code)) throw error;
    return finish(pool, reembedId, 'failed', error.message);
  }
}

async function load(pool: Pool, reembedId: string): Promise<Reembed | undefined> {
  const { rows } = await pool.query<Reembed>(
    `select r.archive_id, r.embedding, r.cursor, r.status, a.embedding_config as config
       from reembeds r join archives a on a.id = r.archive_id where r.id = $1`,
    [reembedId],
  );
  return rows[0];
}

/** Vectors and cursor in one transaction; a passage whose text changed meanwhile is due by itself. A batch that another attempt stored meanwhile is left alone. */
function store(
  pool: Pool,
  batch: {
    readonly reembedId: string;
    readonly reembed: Reembed;
    readonly rows: readonly BatchRow[];
    readonly vectors: readonly Float32Array[];
  },
): Promise<void> {
  const { reembedId, reembed, rows, vectors } = batch;
  return inTransaction(pool, async (db) => {
    const moved = await db.query(
      `update reembeds set cursor = $3, done = done + $4 where id = $1 and cursor = $2 and status = 'running'`,
      [reembedId, reembed.cursor, rows.at(-1)?.id, rows.length],
    );
    if (moved.rowCount === 0) return;
    await db.query(
      `update passages p set embedding = v.embedding, embedding_model = $2, embedding_dim = length(v.embedding) / 4,
              embedding_due = null, embedding_tries = 0, embedding_error = null, embedded_in = pg_current_xact_id()
         from unnest($3::text[], $4::bytea[], $5::text[]) as v (id, embedding, text)
        where p.id = v.id and p.text = v.text and p.archive_id = $1`,
      [
        reembed.archive_id,
        reembed.embedding,
        rows.map(({ id }) => id),
        vectors.map(toBytes),
        rows.map(({ text }) => text),
      ],
    );
  });
}

async function finish(
  db: Queryable,
  reembedId: string,
  status: 'completed' | 'failed',
  error: string | null = null,
): Promise<ReembedProgress> {
  await db.query(
    `update reembeds set status = $2, error = $3, finished_at = now() where id = $1 and status = 'running'`,
    [reembedId, status, error === null ? null : storable(error)],
  );
  return { isDone: true };
}
