import { AppError } from '../../domain/errors';
import { toPassages } from '../../domain/file-text';
import type { DuplicateHandling, Folder, NewFile, StoredFile } from '../../domain/folder';
import type { Queryable } from '../pool';
import { insertFilePassages } from './file-passages';
import { deleteFile, getFile } from './files';
import { lockFolder } from './folders';

export interface Upload {
  readonly folderId: string;
  readonly file: NewFile;
  readonly duplicates: DuplicateHandling;
}

/**
 * Stores a file with its passages, in the caller's transaction: all of it, or nothing. `isSkipped`: the folder had one of the
 * name, which was to stay.
 */
export async function storeFile(
  db: Queryable,
  { folderId, file, duplicates }: Upload,
): Promise<{ readonly file: StoredFile; readonly isSkipped: boolean }> {
  const folder = await lockFolder(db, folderId);
  const existing = await findNamed(db, folderId, file.originalName);
  if (existing !== null && duplicates === 'skip') {
    return { file: await getFile(db, { folderId, id: existing }), isSkipped: true };
  }
  if (existing !== null && duplicates === 'error') {
    throw new AppError(
      'INVALID_ARGUMENT',
      `INVALID_ARGUMENT: File '${file.originalName}' already exists in folder '${folder.name}'`,
    );
  }
  if (existing !== null && duplicates === 'replace') await deleteFile(db, folderId, existing);
  await insertFile(db, folder, {
    ...file,
    name: await freeName(db, folderId, file.name ?? file.originalName),
  });
  return { file: await getFile(db, { folderId, id: file.id }), isSkipped: false };
}

/** The file of this name; of several that came under it, the one that has kept it. */
async function findNamed(db: Queryable, folderId: string, originalName: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `select id from files where folder_id = $1 and original_name = $2 order by name = $2 desc, created_at limit 1`,
    [folderId, originalName],
  );
  return rows[0]?.id ?? null;
}

/** The name itself, or the first of `name_(1).ext`, `name_(2).ext` … that no file of the folder has. */
async function freeName(db: Queryable, folderId: string, name: string): Promise<string> {
  const { rows } = await db.query<{ name: string }>(
    `with parts as (select coalesce(substring($2 from '^(.+)\\.[^./]+$'), $2) as base,
                           coalesce(substring($2 from '^.+(\\.[^./]+)$'), '') as extension)
     select name from (select $2 as name, 0 as place
                       union all
                       select base || '_(' || place || ')' || extension, place
                         from parts, generate_series(1, 1 + (select count(*)::integer from files where folder_id = $1)) place) names
      where not exists (select from files where folder_id = $1 and files.name = names.name)
      order by place limit 1`,
    [folderId, name],
  );
  return rows[0]?.name ?? name;
}

/** Under the clock, for files that one transaction stores come one after the other. */
async function insertFile(
  db: Queryable,
  folder: Folder,
  file: NewFile & { readonly name: string },
): Promise<void> {
  const passages = toPassages(file.content);
  await db.query(
    `insert into files (id, folder_id, name, original_name, content_type, size, content, passage_count, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())`,
    [
      file.id,
      folder.id,
      file.name,
      file.originalName,
      file.contentType,
      file.size,
      file.content,
      passages.length,
    ],
  );
  await insertFilePassages(
    db,
    { id: file.id, folderId: folder.id, isEmbedded: folder.embedding !== null },
    passages,
  );
}
