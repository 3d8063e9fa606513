import type { FileHit, FileQuery, FileSearch } from '../../domain/search';
import { getFilePassages } from '../folders/file-passages';
import { createConditions } from '../keyset';
import type { Queryable } from '../pool';
import { dimensionsIn, FILE_PASSAGES, type VectorScope } from '../vectors/vector-table';
import { createHybridSearch, type Searchable, type SearchDeps } from './hybrid-search';

/** Search over the passages of the files of folders, by the model that each folder has. */
export function createFileSearch(deps: SearchDeps): FileSearch {
  return createHybridSearch(deps, SEARCHED);
}

const SEARCHED: Searchable<FileQuery, FileHit> = {
  from: 'file_passages',
  words: 'file_passages.words',
  holds: 'file_passages.text ilike ?',
  order: 'file_passages.created_at desc, file_passages.id',
  hasVector: 'file_passages.embedding is not null',
  conditions: ({ folderIds }) => {
    const all = createConditions();
    all.add('file_passages.folder_id = any(?)', folderIds);
    return all;
  },
  isFiltered: () => false,
  scopes,
  load: async (db, ids) =>
    new Map([...(await getFilePassages(db, ids))].map(([id, passage]) => [id, { passage }] as const)),
};

async function scopes(db: Queryable, { folderIds }: FileQuery): Promise<readonly VectorScope[]> {
  const { rows } = await db.query<{ owner: string; model: string; dimensions: number }>(
    `select * from (select id as owner, embedding as model, ${dimensionsIn('embedding_config')} as dimensions
                      from folders where embedding is not null and id = any($1)) had
      where dimensions is not null order by model, dimensions, owner`,
    [folderIds],
  );
  return rows.map((row) => ({ table: FILE_PASSAGES, ...row }));
}
