import { AppError } from '../../domain/errors';
import type { StoredFile } from '../../domain/folder';
import { type Page, selectPage } from '../keyset';
import type { Queryable } from '../pool';

const selectFiles = (withContent: boolean): string =>
  `select files.id, files.folder_id as "folderId", files.name, files.original_name as "originalName",
          files.content_type as "contentType", files.size, files.passage_count as "passageCount",
          due.count as "passagesDue", due.error as "embeddingError", folders.embedding is not null as "isEmbedded",
          ${withContent ? 'files.content' : 'null as content'}, files.created_at as "createdAt",
          files.updated_at as "updatedAt"
     from files join folders on folders.id = files.folder_id
          cross join lateral (select count(*)::integer as count, max(embedding_error) as error from file_passages p
                               where p.file_id = files.id and p.embedding_due is not null) due`;

const fileNotFound = (folderId: string, id: string): AppError =>
  new AppError('NOT_FOUND', `File with id=${id} not found in folder ${folderId}`);

/** A file of a folder; NOT_FOUND if it is not there. */
export async function getFile(
  db: Queryable,
  { folderId, id, withContent = false }: { readonly folderId: string; readonly id: string; readonly withContent?: boolean }, // prettier-ignore
): Promise<StoredFile> {
  const { rows } = await db.query<StoredFile>(
    `${selectFiles(withContent)} where files.id = $1 and files.folder_id = $2`,
    [id, folderId],
  );
  if (rows[0]) return rows[0];
  throw fileNotFound(folderId, id);
}

/** Those of these files that a folder has. */
export async function findFiles(
  db: Queryable,
  folderId: string,
  ids: readonly string[],
): Promise<readonly StoredFile[]> {
  const { rows } = await db.query<StoredFile>(
    `${selectFiles(false)} where files.id = any($1) and files.folder_id = $2`,
    [ids, folderId],
  );
  return rows;
}

/** One page of the files of a folder. */
export function listFiles(
  db: Queryable,
  { folderId, withContent }: { readonly folderId: string; readonly withContent: boolean },
  page: Page,
): Promise<readonly StoredFile[]> {
  return selectPage<StoredFile>(db, {
    table: 'files',
    select: selectFiles(withContent),
    where: ['files.folder_id = $1'],
    values: [folderId],
    sortBy: (t) => `${t}.created_at`,
    page,
  });
}

/** Every file of these folders with its content, in the order in which they came. */
export async function filesOfFolders(
  db: Queryable,
  folderIds: readonly string[],
): Promise<readonly StoredFile[]> {
  const { rows } = await db.query<StoredFile>(
    `${selectFiles(true)} where files.folder_id = any($1) order by files.created_at, files.id`,
    [folderIds],
  );
  return rows;
}

/** Deletes a file of a folder with its passages; NOT_FOUND if it is not there. */
export async function deleteFile(db: Queryable, folderId: string, id: string): Promise<void> {
  const { rowCount } = await db.query('delete from files where id = $1 and folder_id = $2', [id, folderId]);
  if (rowCount === 0) throw fileNotFound(folderId, id);
}
