import { dimensionsOf } from '../../domain/archive';
import { AppError } from '../../domain/errors';
import type { Folder, FolderFields } from '../../domain/folder';
import { type Columns, insertRow, updateSet } from '../columns';
import { createConditions, type Page, selectPage } from '../keyset';
import type { Queryable } from '../pool';

const COLUMNS: Columns<FolderFields> = {
  name: ['name'],
  description: ['description'],
  instructions: ['instructions'],
  embedding: ['embedding'],
  embeddingConfig: ['embedding_config', 'jsonb'],
  metadata: ['metadata', 'jsonb'],
};
/** The columns of a folder, as the domain names them. */
export const FOLDER_COLUMNS = `folders.id, folders.name, folders.description, folders.instructions, folders.embedding, folders.metadata,
  folders.embedding_config as "embeddingConfig", folders.created_at as "createdAt", folders.updated_at as "updatedAt"`;
const SELECT = `select ${FOLDER_COLUMNS} from folders`;

export const folderNotFound = (id: string): AppError =>
  new AppError('NOT_FOUND', `Folder not found with id='${id}'`);

const rethrowNameTaken =
  (name: string | undefined) =>
  (error: unknown): never => {
    const isTaken =
      error instanceof Error && 'constraint' in error && error.constraint === 'unique_folder_name';
    if (!isTaken) throw error;
    throw new AppError(
      'CONFLICT',
      `CONFLICT: A folder named '${name ?? ''}' exists already. The paths of its files begin with the name: choose another one.`,
    );
  };

/** Stores a folder; CONFLICT when another one has its name. */
export async function insertFolder(
  db: Queryable,
  folder: FolderFields & { readonly id: string },
): Promise<Folder> {
  const { text, values } = insertRow('folders', COLUMNS, folder);
  const { rows } = await db
    .query<Folder>(`${text} returning ${FOLDER_COLUMNS}`, values)
    .catch(rethrowNameTaken(folder.name));
  return rows[0] as Folder; // an insert returns its row
}

/** The folder with this id; NOT_FOUND without one. */
export async function getFolder(db: Queryable, id: string): Promise<Folder> {
  const { rows } = await db.query<Folder>(`${SELECT} where id = $1`, [id]);
  if (rows[0]) return rows[0];
  throw folderNotFound(id);
}

/** The folder with this id, locked until the transaction ends: no file comes or goes meanwhile. */
export async function lockFolder(db: Queryable, id: string): Promise<Folder> {
  const { rows } = await db.query<Folder>(`${SELECT} where id = $1 for no key update`, [id]);
  if (rows[0]) return rows[0];
  throw folderNotFound(id);
}

/** Which of these names folders have. */
export async function findFolderNames(db: Queryable, names: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ name: string }>('select name from folders where name = any($1)', [names]);
  return new Set(rows.map(({ name }) => name));
}

/** The folder of this name; NOT_FOUND without one. */
export async function getFolderByName(db: Queryable, name: string): Promise<Folder> {
  const { rows } = await db.query<Folder>(`${SELECT} where name = $1`, [name]);
  if (rows[0]) return rows[0];
  throw new AppError('NOT_FOUND', `Folder not found with name='${name}'`);
}

/**
 * Writes the given fields, in the caller's transaction. With another embedding model every passage is due anew: until it has
 * its new vector, words find it.
 */
export async function updateFolder(db: Queryable, id: string, patch: Partial<FolderFields>): Promise<Folder> {
  const before = await lockFolder(db, id);
  const { set, values } = updateSet(COLUMNS, patch, 2);
  const { rows } = await db
    .query<Folder>(
      `update folders set ${set === '' ? '' : `${set}, `}updated_at = now() where id = $1 returning ${FOLDER_COLUMNS}`,
      [id, ...values],
    )
    .catch(rethrowNameTaken(patch.name));
  const folder = rows[0] as Folder; // it is locked, so it is there
  const isSame =
    folder.embedding === before.embedding &&
    dimensionsOf(folder.embeddingConfig) === dimensionsOf(before.embeddingConfig);
  if (!isSame) {
    await db.query(
      `update file_passages set embedding_due = case when $2::text is not null then now() end, embedding_tries = 0,
              embedding_error = null where folder_id = $1`,
      [id, folder.embedding],
    );
  }
  return folder;
}

/** Deletes a folder with its files and takes it from its agents; NOT_FOUND without one. */
export async function deleteFolder(db: Queryable, id: string): Promise<void> {
  const { rowCount } = await db.query('delete from folders where id = $1', [id]);
  if (rowCount === 0) throw folderNotFound(id);
}

/** One page of the folders, of those with this name if it is given. */
export function listFolders(
  db: Queryable,
  { name }: { readonly name?: string | undefined },
  page: Page,
): Promise<readonly Folder[]> {
  const conditions = createConditions();
  if (name !== undefined) conditions.add('folders.name = ?', name);
  return selectPage<Folder>(db, {
    table: 'folders',
    select: SELECT,
    ...conditions,
    sortBy: (t) => `${t}.created_at`,
    page,
  });
}

/** How many folders there are. */
export async function countFolders(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>('select count(*) from folders');
  return rows[0]?.count ?? 0;
}

/** One page of the ids of the agents that can look into a folder, by their creation. */
export async function agentsOfFolder(db: Queryable, id: string, page: Page): Promise<readonly string[]> {
  const rows = await selectPage<{ readonly id: string }>(db, {
    table: 'agents',
    select: 'select agents.id from agents',
    where: ['agents.id in (select agent_id from agent_folders where folder_id = $1)'],
    values: [id],
    sortBy: (t) => `${t}.created_at`,
    page,
  });
  return rows.map((row) => row.id);
}

/** What a folder holds, in numbers; its files by name. */
export interface FolderStats {
  readonly id: string;
  readonly name: string;
  readonly fileCount: number;
  readonly totalSize: number;
  readonly files: readonly { readonly id: string; readonly name: string; readonly size: number }[];
}

/** What all folders hold, by name. */
export async function statsOfFolders(db: Queryable): Promise<readonly FolderStats[]> {
  const { rows } = await db.query<FolderStats>(
    `select folders.id, folders.name, count(f.id)::integer as "fileCount", coalesce(sum(f.size), 0)::float8 as "totalSize",
            coalesce(jsonb_agg(jsonb_build_object('id', f.id, 'name', f.name, 'size', f.size) order by f.name)
                       filter (where f.id is not null), '[]') as files
       from folders left join files f on f.folder_id = folders.id
      group by folders.id order by folders.name`,
  );
  return rows;
}
