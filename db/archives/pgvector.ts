import { normalized } from '../../domain/vector';
import { inTransaction, type Pool } from '../pool';
import type { VectorCache, VectorScope } from './vector-cache';
import { fromBytes } from './vector-bytes';

// pgvector's copies of the vectors. The extension may come after the first passage, and go: what counts is in `passages`.
const SET_UP = `
  create extension if not exists vector;
  create table if not exists passage_vectors (
    passage_id  text    primary key references passages (id) on delete cascade,
    archive_id  text    not null,
    model       text    not null,
    dim         integer not null,
    embedded_in xid8    not null,
    embedding   vector  not null
  );
  create index if not exists passage_vectors_archive on passage_vectors (archive_id, model, dim);
  comment on table passage_vectors is 'Copies of passages.embedding for pgvector, made when a search misses them.'`;

/** Makes pgvector ready in this database; false where the extension is not there or may not be used. */
export async function preparePgvector(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query(`select from pg_available_extensions where name = 'vector'`);
  if (rows.length === 0) return false;
  try {
    await inTransaction(pool, async (db) => {
      await db.query(`select pg_advisory_xact_lock(hashtext('everturn.pgvector'))`);
      await db.query(SET_UP);
    });
    return true;
  } catch {
    // Not every role may create extensions: vectors are compared in memory then.
    return false;
  }
}

const AT_A_TIME = 1_000;
// Below this, comparing with every vector is fast and finds the nearest for certain.
const INDEX_FROM = 10_000;
// pgvector indexes no longer ones.
const MOST_INDEXED_DIMENSIONS = 2_000;

/**
 * Nearest passages by pgvector. Its copies are brought up to date before each look, as a cache's would be: a search sees every
 * vector that was committed before it began.
 */
export function createPgvectors(pool: Pool, onFailure: (error: unknown) => void): VectorCache {
  const seen = new Map<string, string>();
  const indexed = new Set<number>();

  function indexOnce({ dimensions }: VectorScope, count: number): void {
    if (count < INDEX_FROM || dimensions > MOST_INDEXED_DIMENSIONS || indexed.has(dimensions)) return;
    indexed.add(dimensions);
    void createIndex(pool, dimensions).catch((error: unknown) => {
      indexed.delete(dimensions);
      onFailure(error);
    });
  }

  return {
    async nearest(scope, query, { limit, among }) {
      const key = `${scope.archiveId ?? ''}#${scope.model}#${scope.dimensions}`;
      const { xmin, copied } = await copyVectors(pool, scope, seen.get(key) ?? '0');
      seen.set(key, xmin);
      if (copied > 0 && !indexed.has(scope.dimensions)) indexOnce(scope, await countOf(pool, scope));
      return among ? await nearestAmong(pool, scope, query, { limit, among }) : await nearestOfAll(pool, scope, query, limit); // prettier-ignore
    },
    // Copies go with their passages; one of another model is overwritten.
    forget: () => undefined,
  };
}

/** Copies what `passages` has and pgvector lacks; returns since when the next look has to look. */
async function copyVectors(
  pool: Pool,
  scope: VectorScope,
  since: string,
): Promise<{ xmin: string; copied: number }> {
  for (let copied = 0; ;) {
    const { rows } = await pool.query<{
      xmin: string;
      id: string | null;
      embedding: Buffer;
      embedded_in: string;
      archive_id: string;
    }>({
      name: 'vectors-to-copy',
      text: `select seen.xmin, p.id, p.archive_id, p.embedding, p.embedded_in::text
         from (select pg_snapshot_xmin(pg_current_snapshot())::text as xmin) seen
              left join lateral (
                select id, archive_id, embedding, embedded_in from passages
                 where ($1::text is null or archive_id = $1) and embedding_model = $2 and embedding_dim = $3
                   and embedded_in >= $4::xid8
                   and not exists (select from passage_vectors v
                                    where v.passage_id = passages.id and v.embedded_in = passages.embedded_in)
                 limit $5) p on true`,
      values: [scope.archiveId, scope.model, scope.dimensions, since, AT_A_TIME],
    });
    const missing = rows.flatMap(({ id, ...row }) => (id === null ? [] : [{ id, ...row }]));
    if (missing.length > 0) {
      await pool.query(
        `insert into passage_vectors (passage_id, archive_id, model, dim, embedded_in, embedding)
         select v.id, v.archive_id, $1, $2, v.embedded_in::xid8, v.embedding::vector
           from unnest($3::text[], $4::text[], $5::text[], $6::text[]) as v (id, archive_id, embedded_in, embedding)
                join passages p on p.id = v.id for key share of p
         on conflict (passage_id) do update set archive_id = excluded.archive_id, model = excluded.model,
            dim = excluded.dim, embedded_in = excluded.embedded_in, embedding = excluded.embedding`,
        [
          scope.model,
          scope.dimensions,
          missing.map(({ id }) => id),
          missing.map(({ archive_id: archiveId }) => archiveId),
          missing.map(({ embedded_in: embeddedIn }) => embeddedIn),
          missing.map(({ embedding }) => toText(normalized(fromBytes(embedding)))),
        ],
      );
    }
    copied += missing.length;
    if (missing.length < AT_A_TIME) return { xmin: rows[0]?.xmin ?? since, copied };
  }
}

const toText = (vector: Float32Array): string => `[${vector.join(',')}]`;
const IN_SCOPE = `($1::text is null or archive_id = $1) and model = $2 and dim = $3`;

/** Through the index where there is one; it goes on until it has enough hits that pass the filter. */
function nearestOfAll(
  pool: Pool,
  scope: VectorScope,
  query: Float32Array,
  limit: number,
): Promise<readonly string[]> {
  const size = Math.trunc(scope.dimensions);
  return inTransaction(pool, async (db) => {
    await db.query(`select set_config('hnsw.iterative_scan', 'strict_order', true)`);
    await db.query(`select set_config('hnsw.ef_search', '200', true)`);
    const { rows } = await db.query<{ id: string }>(
      `select passage_id as id from passage_vectors where ${IN_SCOPE} and dim = ${size}
        order by embedding::vector(${size}) <=> $4::vector(${size}) limit $5`,
      [scope.archiveId, scope.model, scope.dimensions, toText(normalized(query)), limit],
    );
    return rows.map(({ id }) => id);
  });
}

/** Exactly, among passages that a filter has chosen. */
async function nearestAmong(
  pool: Pool,
  scope: VectorScope,
  query: Float32Array,
  { limit, among }: { readonly limit: number; readonly among: ReadonlySet<string> },
): Promise<readonly string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `select passage_id as id from passage_vectors where ${IN_SCOPE} and passage_id = any($6)
      order by embedding <=> $4::vector limit $5`,
    [scope.archiveId, scope.model, scope.dimensions, toText(normalized(query)), limit, [...among]],
  );
  return rows.map(({ id }) => id);
}

async function countOf(pool: Pool, scope: VectorScope): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) from (select from passage_vectors where ${IN_SCOPE} limit ${INDEX_FROM}) counted`,
    [scope.archiveId, scope.model, scope.dimensions],
  );
  return rows[0]?.count ?? 0;
}

async function createIndex(pool: Pool, dimensions: number): Promise<void> {
  const size = Math.trunc(dimensions);
  await pool.query(
    `create index concurrently if not exists passage_vectors_near_${size} on passage_vectors
      using hnsw ((embedding::vector(${size})) vector_cosine_ops) where dim = ${size}`,
  );
}
