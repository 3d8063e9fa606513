import type { FilePassage } from '../../domain/folder';
import type { TextPassage } from '../../domain/file-text';
import { derivedId } from '../../new-id';
import { tellOfDue } from '../archives/passages';
import { type Page, selectPage } from '../keyset';
import type { Queryable } from '../pool';
import { fromBytes } from '../vectors/vector-bytes';

const SELECT = `select file_passages.id, file_passages.folder_id as "folderId", file_passages.file_id as "fileId",
       folders.name || '/' || files.name as "filePath", files.name as "fileName",
       file_passages.first_line as "firstLine", file_passages.last_line as "lastLine",
       file_passages.text, file_passages.embedding, folders.embedding_config as "embeddingConfig",
       file_passages.created_at as "createdAt"
  from file_passages join files on files.id = file_passages.file_id join folders on folders.id = file_passages.folder_id`;

type Row = Omit<FilePassage, 'embedding'> & { readonly embedding: Buffer | null };
const toFilePassage = (row: Row): FilePassage => ({
  ...row,
  embedding: row.embedding && fromBytes(row.embedding),
});

/**
 * Stores the passages of a file in the transaction that stores the file. Those of a folder with an embedding model are due
 * from then on, and workers are told when the transaction commits.
 */
export async function insertFilePassages(
  db: Queryable,
  file: { readonly id: string; readonly folderId: string; readonly isEmbedded: boolean },
  passages: readonly TextPassage[],
): Promise<void> {
  if (passages.length === 0) return;
  await db.query(
    `insert into file_passages (id, folder_id, file_id, position, first_line, last_line, text, created_at, embedding_due)
     select id, $1, $2, place, first_line, last_line, text, now() + (place - 1) * interval '1 microsecond',
            case when $3 then now() end
       from unnest($4::text[], $5::integer[], $6::integer[], $7::text[])
            with ordinality as given (id, first_line, last_line, text, place)`,
    [
      file.folderId,
      file.id,
      file.isEmbedded,
      passages.map((_passage, place) => derivedId('passage', file.id, place)),
      passages.map(({ firstLine }) => firstLine),
      passages.map(({ lastLine }) => lastLine),
      passages.map(({ text }) => text),
    ],
  );
  if (file.isEmbedded) await tellOfDue(db);
}

/** One page of the passages of a folder's files. */
export async function listFilePassages(
  db: Queryable,
  folderId: string,
  page: Page,
): Promise<readonly FilePassage[]> {
  const rows = await selectPage<Row>(db, {
    table: 'file_passages',
    select: SELECT,
    where: ['file_passages.folder_id = $1'],
    values: [folderId],
    sortBy: (t) => `${t}.created_at`,
    page,
  });
  return rows.map(toFilePassage);
}

/** The passages with these ids, by id. */
export async function getFilePassages(
  db: Queryable,
  ids: readonly string[],
): Promise<ReadonlyMap<string, FilePassage>> {
  const { rows } = await db.query<Row>(`${SELECT} where file_passages.id = any($1)`, [ids]);
  return new Map(rows.map((row) => [row.id, toFilePassage(row)]));
}
