import type { Tool } from '../domain/tool';
import { allOf, createConditions, likePattern } from './keyset';
import type { Queryable } from './pool';
import { searchText } from './search-text';
import { type ToolRow, toTool } from './tools';

export interface ToolQuery {
  /** Null lists what the filters leave, by name. */
  readonly text: string | null;
  readonly types: readonly string[];
  readonly tags: readonly string[];
  readonly limit: number;
}
export interface ToolHit {
  readonly tool: Tool;
  /** What was searched. */
  readonly text: string;
}

// Names are words with underscores.
const TEXT = `replace(name, '_', ' ') || E'\\n' || name || E'\\n' || description || E'\\n' || array_to_string(tags, ' ')`;

/** Tools by the words of their names, descriptions and tags, the best match first. */
export async function searchTools(db: Queryable, query: ToolQuery): Promise<readonly ToolHit[]> {
  const conditions = createConditions();
  const { where, values } = conditions;
  if (query.types.length > 0) conditions.add('tool_type = any(?)', query.types);
  if (query.tags.length > 0) conditions.add('tags && ?::text[]', query.tags);
  const text = searchText(query.text);
  let order = 'name';
  if (text !== null) {
    conditions.add('(search_words(content) @@ search_query(?) or content ilike ?)', text, likePattern(text));
    const asked = `search_query($${values.length - 1})`;
    order = `coalesce(ts_rank(search_words(content), ${asked}, 1), 0) desc, name`;
  }
  const { rows } = await db.query<ToolRow & { content: string }>(
    `select * from (select tools.*, ${TEXT} as content from tools) searched
      where ${allOf(where)} order by ${order} limit $${values.length + 1}`,
    [...values, query.limit],
  );
  return rows.map((row) => ({ tool: toTool(row), text: row.content }));
}
