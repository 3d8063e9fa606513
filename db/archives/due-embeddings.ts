import { dimensionsOf } from '../../domain/archive';
import type { Embedder, EmbeddingTarget } from '../../domain/embedder';
import type { JsonObject } from '../../domain/agent';
import { storable } from '../json';
import type { Pool } from '../pool';
import { toBytes } from './vector-bytes';

// Twice what an attempt takes: a worker that dies leaves its passages to others after this.
const LEASE_SECONDS = 60;
const AT_A_TIME = 64;

interface DueRow {
  readonly id: string;
  readonly text: string;
  readonly archive: string;
  readonly handle: string;
  readonly config: JsonObject | null;
}

/**
 * Computes vectors that are missing and due, a batch at a time; false when there were none. Each passage is one worker's
 * for a minute. What fails is tried again later, after ever longer pauses up to ten minutes.
 */
export async function fillDueEmbeddings(
  pool: Pool,
  embedder: Embedder,
  { signal, onFailure }: { readonly signal: AbortSignal; readonly onFailure: (error: unknown) => void },
): Promise<boolean> {
  const rows = await takeDue(pool);
  for (const batch of byModel(rows)) {
    try {
      const vectors = await embedder.embed(batch.target, batch.rows.map(({ text }) => text), signal); // prettier-ignore
      await storeVectors(pool, batch, vectors);
    } catch (error) {
      onFailure(error);
      await putOff(pool, batch.rows, error instanceof Error ? error.message : String(error));
    }
  }
  return rows.length > 0;
}

async function takeDue(pool: Pool): Promise<readonly DueRow[]> {
  const { rows } = await pool.query<DueRow>(
    `with due as (select id from passages where embedding_due <= now() order by embedding_due
                   limit ${AT_A_TIME} for update skip locked),
          taken as (update passages p set embedding_due = now() + interval '${LEASE_SECONDS} seconds',
                           embedding_tries = embedding_tries + 1
                      from due where p.id = due.id returning p.id, p.text, p.archive_id)
     select taken.id, taken.text, a.id as archive, a.embedding as handle, a.embedding_config as config
       from taken join archives a on a.id = taken.archive_id where a.embedding is not null`,
  );
  return rows;
}

interface Batch {
  readonly target: EmbeddingTarget;
  readonly rows: DueRow[];
}

function byModel(rows: readonly DueRow[]): readonly Batch[] {
  const batches = new Map<string, Batch>();
  for (const row of rows) {
    const target = { handle: row.handle, dimensions: dimensionsOf(row.config) };
    const key = `${target.handle}#${target.dimensions ?? ''}`;
    const batch = batches.get(key) ?? { target, rows: [] };
    batch.rows.push(row);
    batches.set(key, batch);
  }
  return [...batches.values()];
}

/** Only where the archive still has the model and the passage its text; otherwise it stays due. */
async function storeVectors(
  pool: Pool,
  { target, rows }: Batch,
  vectors: readonly Float32Array[],
): Promise<void> {
  await pool.query(
    `update passages p set embedding = v.embedding, embedding_model = $1, embedding_dim = length(v.embedding) / 4,
            embedding_due = null, embedding_tries = 0, embedding_error = null, embedded_in = pg_current_xact_id()
       from unnest($2::text[], $3::bytea[], $5::text[]) as v (id, embedding, text),
            (select id from archives where embedding = $1 and id = any($4) for share) a
      where p.id = v.id and p.text = v.text and a.id = p.archive_id`,
    [
      target.handle,
      rows.map(({ id }) => id),
      vectors.map(toBytes),
      [...new Set(rows.map(({ archive }) => archive))],
      rows.map(({ text }) => text),
    ],
  );
}

async function putOff(pool: Pool, rows: readonly DueRow[], reason: string): Promise<void> {
  await pool.query(
    `update passages set embedding_error = $2,
            embedding_due = now() + least(power(2, least(embedding_tries, 10)), 600) * interval '1 second'
      where id = any($1)`,
    [rows.map(({ id }) => id), storable(reason.slice(0, 500))],
  );
}
