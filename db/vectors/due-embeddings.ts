import type { Embedder, EmbeddingTarget } from '../../domain/embedder';
import { storable } from '../json';
import type { Pool } from '../pool';
import { toBytes } from './vector-bytes';
import type { VectorTable } from './vector-table';

// Twice what an attempt takes: a worker that dies leaves its rows to others after this.
const LEASE_SECONDS = 60;
const AT_A_TIME = 64;

/** Where texts without vectors are. */
export interface DueSource {
  readonly table: VectorTable;
  /**
   * Selects `id`, `lease`, `text`, `handle` and `dimensions` of what was taken: SQL over `taken`, which has the columns of
   * the table, and over `values`.
   */
  readonly select: string;
  readonly values: readonly unknown[];
}

interface DueRow {
  readonly id: string;
  readonly lease: string;
  readonly text: string;
  readonly handle: string;
  readonly dimensions: number | null;
}

/**
 * Computes vectors of a table that are missing and due, a batch at a time; false when there were none. Each row is one
 * worker's for a minute. What fails is tried again later, after ever longer pauses up to ten minutes.
 */
export async function fillDueEmbeddings(
  { pool, embedder, onFailure }: FillDeps,
  source: DueSource,
  signal: AbortSignal,
): Promise<boolean> {
  const rows = await takeDue(pool, source);
  for (const batch of byModel(rows)) {
    try {
      const vectors = await embedder.embed(batch.target, batch.rows.map(({ text }) => text), signal); // prettier-ignore
      await storeVectors(pool, source.table, { ...batch, vectors });
    } catch (error) {
      onFailure(error);
      await putOff(pool, source.table, batch.rows, error instanceof Error ? error.message : String(error));
    }
  }
  return rows.length > 0;
}

export interface FillDeps {
  readonly pool: Pool;
  readonly embedder: Embedder;
  /** Told why vectors could not be computed this time. */
  readonly onFailure: (error: unknown) => void;
}

async function takeDue(pool: Pool, { table, select, values }: DueSource): Promise<readonly DueRow[]> {
  const { rows } = await pool.query<DueRow>(
    `with due as (select id from ${table.name} where embedding_due <= now() order by embedding_due
                   limit ${AT_A_TIME} for update skip locked),
          taken as (update ${table.name} p set embedding_due = now() + interval '${LEASE_SECONDS} seconds',
                           embedding_tries = embedding_tries + 1
                      from due where p.id = due.id returning p.*, p.embedding_due::text as lease)
     ${select}`,
    [...values],
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
    const target = { handle: row.handle, dimensions: row.dimensions };
    const key = `${target.handle}#${target.dimensions ?? ''}`;
    const batch = batches.get(key) ?? { target, rows: [] };
    batch.rows.push(row);
    batches.set(key, batch);
  }
  return [...batches.values()];
}

/** Only where the lease still holds: a row whose text or model has changed meanwhile is due at another time. */
async function storeVectors(
  pool: Pool,
  table: VectorTable,
  { target, rows, vectors }: Batch & { readonly vectors: readonly Float32Array[] },
): Promise<void> {
  await pool.query(
    `update ${table.name} p set embedding = v.embedding, embedding_model = $1, embedding_dim = length(v.embedding) / 4,
            embedding_due = null, embedding_tries = 0, embedding_error = null, embedded_in = pg_current_xact_id()
       from unnest($2::text[], $3::bytea[], $4::timestamptz[]) as v (id, embedding, lease)
      where p.id = v.id and p.embedding_due = v.lease`,
    [target.handle, rows.map(({ id }) => id), vectors.map(toBytes), rows.map(({ lease }) => lease)],
  );
}

async function putOff(
  pool: Pool,
  table: VectorTable,
  rows: readonly DueRow[],
  reason: string,
): Promise<void> {
  await pool.query(
    `update ${table.name} p set embedding_error = $3,
            embedding_due = now() + least(power(2, least(embedding_tries, 10)), 600) * interval '1 second'
       from unnest($1::text[], $2::timestamptz[]) as v (id, lease) where p.id = v.id and p.embedding_due = v.lease`,
    [rows.map(({ id }) => id), rows.map(({ lease }) => lease), storable(reason.slice(0, 500))],
  );
}
