import type { Embedder } from '../../domain/embedder';
import { fuseRanks, inOrder, type Ranking, strongMatches } from '../../domain/rank-fusion';
import type { Found, Search, SearchMode, SearchQuery } from '../../domain/search';
import { allOf, type Conditions, likePattern } from '../keyset';
import type { Pool, Queryable } from '../pool';
import type { VectorIndex, VectorScope } from '../vectors/vector-table';
import { searchText } from './search-text';

export interface SearchDeps {
  readonly pool: Pool;
  readonly embedder: Embedder;
  readonly vectors: VectorIndex;
  /** Told why vectors were left out of a search that has them. */
  readonly onFailure: (error: unknown) => void;
}

/** What is searched, in SQL over `from`; names and texts are never user input. */
export interface Searchable<Query extends SearchQuery, Hit> {
  /** The table, whose ids the vectors have too. */
  readonly from: 'passages' | 'messages' | 'tools' | 'file_passages';
  /** A tsvector of the words of a row. */
  readonly words: string;
  /** The condition, with one `?`, that a row holds a text as it stands. */
  readonly holds: string;
  /** Which comes first among rows that match as well, and without a text. */
  readonly order: string;
  /** The condition that a row has a vector. */
  readonly hasVector: string;
  conditions(query: Query): Conditions;
  /** Whether more than the owner narrows the search. */
  isFiltered(query: Query): boolean;
  /** Which vectors are compared: one scope for each model, for nearness by different models can't be compared. */
  scopes(db: Queryable, query: Query): Promise<readonly VectorScope[]>;
  load(db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, Hit>>;
}

// How far down a ranking still counts when two are fused.
const DEPTH = 100;
const EMBED_TIMEOUT_MS = 5_000;
const MOST_FILTERED = 100_000;

/**
 * Search by full text and, where there are vectors, by nearest neighbours, fused by reciprocal rank. What can't be compared
 * by vectors is found by its words; the answer says which were used.
 */
export function createHybridSearch<Query extends SearchQuery, Hit>(
  deps: SearchDeps,
  searched: Searchable<Query, Hit>,
): Search<Query, Hit> {
  return {
    async search(query) {
      const text = searchText(query.text);
      if (query.limit <= 0) return { hits: [], mode: 'text', reason: null };
      const { rankings, mode, reason } =
        text === null
          ? await withoutText(deps, searched, query)
          : await rank(deps, searched, { query, text });
      const fused = fuseRanks(rankings).slice(0, query.limit);
      const found = await searched.load(deps.pool, fused.map(({ id }) => id)); // prettier-ignore
      const hits = fused.flatMap(({ id, score, ranks: [textRank = null, ...others] }): Found<Hit>['hits'] => {
        const hit = found.get(id);
        const vectorRank = others.find((rank) => rank !== null) ?? null;
        if (!hit) return [];
        return [text === null ? { ...hit, ...NO_PLACE } : { ...hit, score, textRank, vectorRank }];
      });
      return { hits, mode, reason };
    },
  };
}

const NO_PLACE = { score: 0, textRank: null, vectorRank: null };

interface Rankings {
  /** The first is by words, each further one by a model. */
  readonly rankings: readonly Ranking[];
  readonly mode: SearchMode;
  readonly reason: string | null;
}

interface Asked<Query> {
  readonly query: Query;
  readonly text: string;
}

const NONE = inOrder([]);

async function withoutText<Query extends SearchQuery, Hit>(
  { pool }: SearchDeps,
  searched: Searchable<Query, Hit>,
  query: Query,
): Promise<Rankings> {
  const ids = await select(pool, searched, { ...searched.conditions(query), limit: query.limit });
  return { rankings: [inOrder(ids)], mode: 'text', reason: null };
}

async function rank<Query extends SearchQuery, Hit>(
  deps: SearchDeps,
  searched: Searchable<Query, Hit>,
  asked: Asked<Query>,
): Promise<Rankings> {
  const words = () => rankByWords(deps.pool, searched, asked);
  if (asked.query.mode === 'text') return { rankings: [await words()], mode: 'text', reason: null };
  const [early, near] = await Promise.all([
    asked.query.mode === 'hybrid' ? words() : NONE,
    rankByVectors(deps, searched, asked),
  ]);
  if (near.rankings.length > 0)
    return { ...near, rankings: [early, ...near.rankings], mode: asked.query.mode };
  return {
    ...near,
    rankings: [asked.query.mode === 'hybrid' ? inOrder(early.ids) : await words()],
    mode: 'text',
  };
}

/** By how well their words match; where no word matches at all, those that hold the query as it stands. */
async function rankByWords<Query extends SearchQuery, Hit>(
  pool: Pool,
  searched: Searchable<Query, Hit>,
  { query, text }: Asked<Query>,
): Promise<Ranking> {
  const limit = Math.max(DEPTH, query.limit);
  const { from, words, order } = searched;
  const matching = searched.conditions(query);
  matching.add(`${words} @@ search_query(?)`, text);
  const { rows } = await pool.query<{ id: string; score: number }>(
    `select ${from}.id, ts_rank(${words}, search_query($${matching.values.length}), 1) as score
       from ${from} where ${allOf(matching.where)} order by score desc, ${order} limit $${matching.values.length + 1}`,
    [...matching.values, limit],
  );
  if (rows.length > 0)
    return query.mode === 'hybrid' ? strongMatches(rows) : inOrder(rows.map(({ id }) => id));
  const holding = searched.conditions(query);
  holding.add(searched.holds, likePattern(text));
  return inOrder(await select(pool, searched, { ...holding, limit }));
}

async function select(
  db: Queryable,
  { from, order }: Pick<Searchable<never, unknown>, 'from' | 'order'>,
  { where, values, limit }: Pick<Conditions, 'where' | 'values'> & { readonly limit: number },
): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select ${from}.id from ${from} where ${allOf(where)} order by ${order} limit $${values.length + 1}`,
    [...values, limit],
  );
  return rows.map(({ id }) => id);
}

async function rankByVectors<Query extends SearchQuery, Hit>(
  deps: SearchDeps,
  searched: Searchable<Query, Hit>,
  { query, text }: Asked<Query>,
): Promise<Omit<Rankings, 'mode'>> {
  const scopes = await searched.scopes(deps.pool, query);
  if (scopes.length === 0) return { rankings: [], reason: 'no embedding model' };
  const among = searched.isFiltered(query) ? await filteredIds(deps.pool, searched, query) : null;
  const signal = AbortSignal.timeout(EMBED_TIMEOUT_MS);
  const rankings: Ranking[] = [];
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
    if (ids) rankings.push(inOrder(ids));
    else
      reason = vector
        ? 'more vectors than memory may hold; pgvector has no such limit'
        : 'the embedding model gives no answer';
  }
  return { rankings, reason };
}

async function filteredIds<Query extends SearchQuery, Hit>(
  pool: Pool,
  searched: Searchable<Query, Hit>,
  query: Query,
): Promise<ReadonlySet<string>> {
  const conditions = searched.conditions(query);
  conditions.where.push(searched.hasVector);
  return new Set(await select(pool, searched, { ...conditions, limit: MOST_FILTERED }));
}

/** The nearest rows that are still there: what was deleted or moved to another model is dropped from the index. */
async function existing(
  { pool, vectors }: SearchDeps,
  scope: VectorScope,
  query: Float32Array,
  options: { readonly limit: number; readonly among: ReadonlySet<string> | null },
): Promise<readonly string[] | null> {
  const { name, owner } = scope.table;
  for (;;) {
    const ids = await vectors.nearest(scope, query, options);
    if (!ids) return null;
    const { rows } = await pool.query<{ id: string }>(
      `select id from ${name} where id = any($1) and embedding_model = $2 and ($3::text is null or ${owner} = $3)`,
      [ids, scope.model, scope.owner],
    );
    const there = new Set(rows.map(({ id }) => id));
    const gone = ids.filter((id) => !there.has(id));
    if (gone.length === 0) return ids;
    vectors.forget(scope, gone);
  }
}
