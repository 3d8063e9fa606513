import type { PassageHit, PassageQuery, PassageSearch } from '../../domain/search';
import { getPassages } from '../archives/passages';
import { createConditions, type Conditions } from '../keyset';
import type { Queryable } from '../pool';
import { dimensionsIn, PASSAGES, type VectorScope } from '../vectors/vector-table';
import { createHybridSearch, type Searchable, type SearchDeps } from './hybrid-search';

/** Search over the passages of archives, by the model that each archive has. */
export function createPassageSearch(deps: SearchDeps): PassageSearch {
  const passages = createHybridSearch(deps, SEARCHED);
  return {
    search: (query) =>
      query.archiveIds?.length === 0
        ? Promise.resolve({ hits: [], mode: 'text', reason: query.text === null ? null : 'no archive' })
        : passages.search(query),
  };
}

const SEARCHED: Searchable<PassageQuery, PassageHit> = {
  from: 'passages',
  words: 'passages.words',
  holds: 'passages.text ilike ?',
  order: 'passages.created_at desc, passages.id',
  hasVector: 'passages.embedding is not null',
  conditions,
  isFiltered: ({ tags, from, to }) => tags.length > 0 || from !== null || to !== null,
  scopes,
  load: async (db, ids) =>
    new Map((await getPassages(db, ids)).map((passage) => [passage.id, { passage }] as const)),
};

function conditions(query: PassageQuery): Conditions {
  const all = createConditions();
  if (query.archiveIds) all.add('passages.archive_id = any(?)', query.archiveIds);
  if (query.tags.length > 0) {
    // `&&`: one in common; `@>`: all of them.
    all.add(`passages.tags ${query.tagMatch === 'any' ? '&&' : '@>'} ?::text[]`, query.tags);
  }
  if (query.from) all.add('passages.created_at >= ?', query.from);
  if (query.to) all.add('passages.created_at <= ?', query.to);
  return all;
}

/** One archive is a scope of its own, all of them are one for each model. */
async function scopes(db: Queryable, { archiveIds }: PassageQuery): Promise<readonly VectorScope[]> {
  const { rows } = await db.query<{ owner: string | null; model: string; dimensions: number }>(
    `select * from (select distinct case when $1::text[] is not null then id end as owner, embedding as model,
                           ${dimensionsIn('embedding_config')} as dimensions
                      from archives where embedding is not null and ($1 is null or id = any($1))) had
      where dimensions is not null order by model, dimensions, owner`,
    [archiveIds],
  );
  return rows.map((row) => ({ table: PASSAGES, ...row }));
}
