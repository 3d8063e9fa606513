import { normalized } from '../../domain/vector';
import { inTransaction, type Pool } from '../pool';
import { fromBytes } from './vector-bytes';
import {
  scopeKey,
  VECTOR_TABLES,
  type VectorIndex,
  type VectorScope,
  type VectorTable,
} from './vector-table';

// pgvector's copies of the vectors. The extension may come after the first vector, and go: what counts is in the table itself.
const setUp = ({ name, copies: { table, id, owner } }: VectorTable): string => `
  create table if not exists ${table} (
    ${id}       text    primary key references ${name} (id) on delete cascade,
    ${owner}    text    not null,
    model       text    not null,
    dim         integer not null,
    embedded_in xid8    not null,
    embedding   vector  not null
  );
  create index if not exists ${table}_${owner.replace(/_id$/, '')} on ${table} (${owner}, model, dim);
  comment on table ${table} is 'Copies of ${name}.embedding for pgvector, made when a search misses them.';`;
const SET_UP = `create extension if not exists vector; ${VECTOR_TABLES.map(setUp).join('')}`;

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
 * Nearest rows by pgvector. Its copies are brought up to date before each look, as a cache's would be: a search sees every
 * vector that was committed before it began.
 */
export function createPgvectors(pool: Pool, onFailure: (error: unknown) => void): VectorIndex {
  const seen = new Map<string, string>();
  const indexed = new Set<string>();

  function indexOnce({ table, dimensions }: VectorScope, count: number): void {
    const index = indexName(table, dimensions);
    if (count < INDEX_FROM || dimensions > MOST_INDEXED_DIMENSIONS || indexed.has(index)) return;
    indexed.add(index);
    void createIndex(pool, table, dimensions).catch((error: unknown) => {
      indexed.delete(index);
      onFailure(error);
    });
  }

  return {
    async nearest(scope, query, { limit, among }) {
      const key = scopeKey(scope);
      const { xmin, copied } = await copyVectors(pool, scope, seen.get(key) ?? '0');
      seen.set(key, xmin);
      if (copied > 0 && !indexed.has(indexName(scope.table, scope.dimensions)))
        indexOnce(scope, await countOf(pool, scope));
      return among ? await nearestAmong(pool, scope, query, { limit, among }) : await nearestOfAll(pool, scope, query, limit); // prettier-ignore
    },
    // Copies go with their rows; one of another model is overwritten.
    forget: () => undefined,
  };
}

/** Copies what the table has and pgvector lacks; returns since when the next look has to look. */
async function copyVectors(
  pool: Pool,
  scope: VectorScope,
  since: string,
): Promise<{ xmin: string; copied: number }> {
  const { name, owner, copies } = scope.table;
  for (let copied = 0; ;) {
    const { rows } = await pool.query<MissingRow>({
      name: `vectors-to-copy-${name}`,
      text: `select seen.xmin, p.id, p.owner, p.embedding, p.embedded_in::text
         from (select pg_snapshot_xmin(pg_current_snapshot())::text as xmin) seen
              left join lateral (
                select id, ${owner} as owner, embedding, embedded_in from ${name}
                 where ($1::text is null or ${owner} = $1) and embedding_model = $2 and embedding_dim = $3
                   and embedded_in >= $4::xid8
                   and not exists (select from ${copies.table} v
                                    where v.${copies.id} = ${name}.id and v.embedded_in = ${name}.embedded_in)
                 limit $5) p on true`,
      values: [scope.owner, scope.model, scope.dimensions, since, AT_A_TIME],
    });
    const missing = rows.flatMap(({ id, ...row }) => (id === null ? [] : [{ id, ...row }]));
    if (missing.length > 0) await insertCopies(pool, scope, missing);
    copied += missing.length;
    if (missing.length < AT_A_TIME) return { xmin: rows[0]?.xmin ?? since, copied };
  }
}

interface MissingRow {
  readonly xmin: string;
  readonly id: string | null;
  readonly owner: string;
  readonly embedding: Buffer;
  readonly embedded_in: string;
}

/** Of rows that are still there. */
async function insertCopies(
  pool: Pool,
  { table: { name, copies }, model, dimensions }: VectorScope,
  rows: readonly (MissingRow & { readonly id: string })[],
): Promise<void> {
  await pool.query(
    `insert into ${copies.table} (${copies.id}, ${copies.owner}, model, dim, embedded_in, embedding)
     select v.id, v.owner, $1, $2, v.embedded_in::xid8, v.embedding::vector
       from unnest($3::text[], $4::text[], $5::text[], $6::text[]) as v (id, owner, embedded_in, embedding)
            join ${name} p on p.id = v.id for key share of p
     on conflict (${copies.id}) do update set ${copies.owner} = excluded.${copies.owner}, model = excluded.model,
        dim = excluded.dim, embedded_in = excluded.embedded_in, embedding = excluded.embedding`,
    [
      model,
      dimensions,
      rows.map(({ id }) => id),
      rows.map(({ owner }) => owner),
      rows.map((row) => row.embedded_in),
      rows.map(({ embedding }) => toText(normalized(fromBytes(embedding)))),
    ],
  );
}

const toText = (vector: Float32Array): string => `[${vector.join(',')}]`;
const inScope = ({ table: { copies } }: VectorScope): string =>
  `($1::text is null or ${copies.owner} = $1) and model = $2 and dim = $3`;

/** Through the index where there is one; it goes on until it has enough hits that pass the filter. */
function nearestOfAll(
  pool: Pool,
  scope: VectorScope,
  query: Float32Array,
  limit: number,
): Promise<readonly string[]> {
  const size = Math.trunc(scope.dimensions);
  const { table, id } = scope.table.copies;
  return inTransaction(pool, async (db) => {
    await db.query(`select set_config('hnsw.iterative_scan', 'strict_order', true)`);
    await db.query(`select set_config('hnsw.ef_search', '200', true)`);
    const { rows } = await db.query<{ id: string }>(
      `select ${id} as id from ${table} where ${inScope(scope)} and dim = ${size}
        order by embedding::vector(${size}) <=> $4::vector(${size}) limit $5`,
      [scope.owner, scope.model, scope.dimensions, toText(normalized(query)), limit],
    );
    return rows.map((row) => row.id);
  });
}

/** Exactly, among rows that a filter has chosen. */
async function nearestAmong(
  pool: Pool,
  scope: VectorScope,
  query: Float32Array,
  { limit, among }: { readonly limit: number; readonly among: ReadonlySet<string> },
): Promise<readonly string[]> {
  const { table, id } = scope.table.copies;
  const { rows } = await pool.query<{ id: string }>(
    `select ${id} as id from ${table} where ${inScope(scope)} and ${id} = any($6)
      order by embedding <=> $4::vector limit $5`,
    [scope.owner, scope.model, scope.dimensions, toText(normalized(query)), limit, [...among]],
  );
  return rows.map((row) => row.id);
}

async function countOf(pool: Pool, scope: VectorScope): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) from (select from ${scope.table.copies.table} where ${inScope(scope)} limit ${INDEX_FROM}) counted`,
    [scope.owner, scope.model, scope.dimensions],
  );
  return rows[0]?.count ?? 0;
}

const indexName = ({ copies }: VectorTable, dimensions: number): string =>
  `${copies.table}_near_${Math.trunc(dimensions)}`;

async function createIndex(pool: Pool, table: VectorTable, dimensions: number): Promise<void> {
  const size = Math.trunc(dimensions);
  await pool.query(
    `create index concurrently if not exists ${indexName(table, dimensions)} on ${table.copies.table}
      using hnsw ((embedding::vector(${size})) vector_cosine_ops) where dim = ${size}`,
  );
}
