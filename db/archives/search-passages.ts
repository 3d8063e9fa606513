import { dimensionsOf } from '../../domain/archive';
import type { JsonObject } from '../../domain/agent';
import type { Embedder } from '../../domain/embedder';
import { fuseRanks } from '../../domain/rank-fusion';
import type { PassageHits, PassageQuery, PassageSearch } from '../../domain/search';
import { allOf, likePattern } from '../keyset';
import type { Pool } from '../pool';
import { searchText } from '../search-text';
import { isFiltered, passageConditions } from './passage-conditions';
import { getPassages } from './passages';
import { MOST_VECTORS, type VectorCache, type VectorScope } from './vector-cache';

export interface PassageSearchDeps {
  readonly pool: Pool;
  readonly embedder: Embedder;
  readonly vectors: VectorCache;
  /** Told why vectors were left out of a search that has them. */
  readonly onFailure: (error: unknown) => void;
}

// How far down a ranking still counts when two are fused.
const DEPTH = 100;
const EMBED_TIMEOUT_MS = 5_000;
const MOST_FILTERED = 100_000;

/**
 * Search over passages: full text and, where archives have vectors, nearest neighbours, fused by reciprocal rank. What can't
 * be compared by vectors is found by its words; the answer says which were used.
 */
export function createPassageSearch(deps: PassageSearchDeps): PassageSearch {
  return {
    async search(query) {
      const text = searchText(query.text);
      if (query.limit <= 0 || query.archiveIds?.length === 0)
        return nothing(text === null ? null : 'no archive');
      if (text === null) return listNewest(deps.pool, query);
      const [words, near] = await Promise.all([
        rankByWords(deps.pool, query, text),
        rankByVectors(deps, query, text),
      ]);
      const fused = fuseRanks([words, ...near.rankings]).slice(0, query.limit);
      const passages = new Map((await getPassages(deps.pool, fused.map(({ id }) => id))).map((one) => [one.id, one])); // prettier-ignore
      const hits = fused.flatMap(({ id, score, ranks: [textRank = null, ...others] }) => {
        const passage = passages.get(id);
        return passage
          ? [{ passage, score, textRank, vectorRank: others.find((rank) => rank !== null) ?? null }]
          : [];
      });
      return { hits, mode: near.rankings.length > 0 ? 'hybrid' : 'text', reason: near.reason };
    },
  };
}

const nothing = (reason: string | null): PassageHits => ({ hits: [], mode: 'text', reason });

async function listNewest(pool: Pool, query: PassageQuery): Promise<PassageHits> {
  const { where, values } = passageConditions(query);
  const { rows } = await pool.query<{ id: string }>(
    `select id from passages where ${allOf(where)} order by created_at desc, id desc limit $${values.length + 1}`,
    [...values, query.limit],
  );
  const passages = await getPassages(pool, rows.map(({ id }) => id)); // prettier-ignore
  const hits = passages.map((passage) => ({ passage, score: 0, textRank: null, vectorRank: null }));
  return { hits, mode: 'text', reason: null };
}

/** Ids by how well their words match; where no word matches at all, those that hold the query as it stands. */
async function rankByWords(pool: Pool, query: PassageQuery, text: string): Promise<readonly string[]> {
  const conditions = passageConditions(query);
  const { where, values } = conditions;
  const limit = Math.max(DEPTH, query.limit);
  const asked = [...values, text, limit];
  const { rows } = await pool.query<{ id: string }>(
    `select id from passages, search_query($${values.length + 1}) asked
      where passages.words @@ asked and ${allOf(where)}
      order by ts_rank(passages.words, asked, 1) desc, created_at desc, id limit $${values.length + 2}`,
    asked,
  );
  if (rows.length > 0) return rows.map(({ id }) => id);
  conditions.add('passages.text ilike ?', likePattern(text));
  const holding = await pool.query<{ id: string }>(
    `select id from passages where ${allOf(where)} order by created_at desc, id limit $${values.length + 1}`,
    [...values, limit],
  );
  return holding.rows.map(({ id }) => id);
}

interface VectorRankings {
  /** One for each model: nearness by different models can't be compared. */
  readonly rankings: readonly (readonly string[])[];
  readonly reason: string | null;
}

async function rankByVectors(
  deps: PassageSearchDeps,
  query: PassageQuery,
  text: string,
): Promise<VectorRankings> {
  const scopes = await findScopes(deps.pool, query);
  if (scopes.length === 0) return { rankings: [], reason: 'no embedding model' };
  const among = isFiltered(query) ? await filteredIds(deps.pool, query) : null;
  const signal = AbortSignal.timeout(EMBED_TIMEOUT_MS);
  const rankings: (readonly string[])[] = [];
  let reason: string | null = null;
  for (const scope of scopes) {
    const target = { handle: scope.model, dimensions: scope.dimensions };
    const [vector] = await deps.embedder.embed(target, [text], signal).catch((error: unknown) => {
      // The words still find what they find; the answer says that vectors were left out.
      deps.onFailure(error);
      return [];
    });
    const ids =
      vector && (await existing(deps, scope, vector, { limit: Math.max(DEPTH, query.limit), among }));
    if (ids) rankings.push(ids);
    else reason = vector ? `more than ${MOST_VECTORS} vectors` : 'the embedding model gives no answer';
  }
  return { rankings, reason };
}

/** The models of the archives that are searched; one archive is a scope of its own, all of them are one for each model. */
async function findScopes(pool: Pool, { archiveIds }: PassageQuery): Promise<readonly VectorScope[]> {
  const { rows } = await pool.query<{ id: string | null; embedding: string; config: JsonObject | null }>(
    archiveIds
      ? `select id, embedding, embedding_config as config from archives where id = any($1) and embedding is not null`
      : `select distinct on (embedding, embedding_config ->> 'embedding_dim') null as id, embedding,
                embedding_config as config from archives where embedding is not null and $1::text[] is null`,
    [archiveIds],
  );
  return rows.flatMap(({ id, embedding, config }) => {
    const dimensions = dimensionsOf(config);
    return dimensions === null ? [] : [{ archiveId: id, model: embedding, dimensions }];
  });
}

async function filteredIds(pool: Pool, query: PassageQuery): Promise<ReadonlySet<string>> {
  const { where, values } = passageConditions(query);
  const { rows } = await pool.query<{ id: string }>(
    `select id from passages where embedding is not null and ${allOf(where)} limit ${MOST_FILTERED}`,
    values,
  );
  return new Set(rows.map(({ id }) => id));
}

/** The nearest passages that are still there: what was deleted or moved to another model is dropped from the cache. */
async function existing(
  { pool, vectors }: PassageSearchDeps,
  scope: VectorScope,
  query: Float32Array,
  options: { readonly limit: number; readonly among: ReadonlySet<string> | null },
): Promise<readonly string[] | null> {
  for (;;) {
    const ids = await vectors.nearest(scope, query, options);
    if (!ids) return null;
    const { rows } = await pool.query<{ id: string }>(
      `select id from passages where id = any($1) and embedding_model = $2 and ($3::text is null or archive_id = $3)`,
      [ids, scope.model, scope.archiveId],
    );
    const there = new Set(rows.map(({ id }) => id));
    const gone = ids.filter((id) => !there.has(id));
    if (gone.length === 0) return ids;
    vectors.forget(scope, gone);
  }
}
