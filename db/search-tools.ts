import type { ToolHit, ToolQuery, ToolSearch } from '../domain/search';
import { type Conditions, createConditions } from './keyset';
import type { Queryable } from './pool';
import { type ToolRow, toTool } from './tools';
import { TOOL_TEXT } from './vectors/tool-embeddings';
import { TOOLS, type VectorScope } from './vectors/vector-table';
import { createHybridSearch, type Searchable, type SearchDeps } from './search/hybrid-search';

/** Search over the names, descriptions and tags of tools, by the server's own embedding model. */
export const createToolSearch = (deps: SearchDeps): ToolSearch => createHybridSearch(deps, SEARCHED);

const SEARCHED: Searchable<ToolQuery, ToolHit> = {
  from: 'tools',
  words: `search_words(${TOOL_TEXT})`,
  holds: `${TOOL_TEXT} ilike ?`,
  order: 'tools.name',
  hasVector: 'tools.id in (select id from tool_embeddings where embedding is not null)',
  conditions,
  isFiltered: ({ types, tags }) => types.length + tags.length > 0,
  scopes,
  load,
};

function conditions({ types, tags }: ToolQuery): Conditions {
  const all = createConditions();
  if (types.length > 0) all.add('tools.tool_type = any(?)', types);
  if (tags.length > 0) all.add('tools.tags && ?::text[]', tags);
  return all;
}

async function scopes(db: Queryable): Promise<readonly VectorScope[]> {
  const { rows } = await db.query<{ model: string; dimensions: number }>(
    `select distinct embedding_model as model, embedding_dim as dimensions from tool_embeddings
      where embedding is not null order by model, dimensions`,
  );
  return rows.map((row) => ({ table: TOOLS, owner: null, ...row }));
}

async function load(db: Queryable, ids: readonly string[]): Promise<ReadonlyMap<string, ToolHit>> {
  const { rows } = await db.query<ToolRow & { content: string }>(
    `select tools.*, ${TOOL_TEXT} as content from tools where id = any($1)`,
    [ids],
  );
  return new Map(rows.map((row) => [row.id, { tool: toTool(row), content: row.content }]));
}
