import { attachFolders, directoriesOf } from '../../db/folders/agent-folders';
import { findFolderNames, insertFolder } from '../../db/folders/folders';
import { markOpen } from '../../db/folders/open-files';
import { storeFile } from '../../db/folders/store-file';
import { storable } from '../../db/json';
import type { Queryable } from '../../db/pool';
import type { Directory } from '../../domain/agent-files';
import type { ModelDirectory } from '../../domain/model';
import { checkFolderName, type FolderFields } from '../../domain/folder';
import { newId } from '../../new-id';
import { chooseEmbedding } from '../agent-model';
import { defaultEmbedding } from '../archive-embedding';
import { cleanFileName, isFileName, MAX_FOLDER_FILE_BYTES } from '../upload-file';
import { toEmbeddingConfig } from '../wire/model';
import type { AgentFile, FileAgent, FileSource, FileText } from './schema';
import { badFile } from './upload';

/** The folders of a file as they are to be stored, by their ids there. */
export type ReadFolders = ReadonlyMap<string, FolderFields>;

/**
 * Reads the folders of a file. They are embedded by the model that `embedding` names, else by the file's own where it is offered,
 * else by the server's.
 */
export async function readFolders(
  models: ModelDirectory,
  { sources }: AgentFile,
  embedding: string | undefined,
): Promise<ReadFolders> {
  const read = new Map<string, FolderFields>();
  for (const source of sources ?? []) {
    checkFolderName(source.name);
    const { name, description = null, instructions = null, metadata = null } = source;
    const model = {
      embedding: null,
      embeddingConfig: null,
      ...(await embeddingOf(models, source, embedding)),
    };
    read.set(source.id, { name, description, instructions, metadata, ...model });
  }
  return read;
}

async function embeddingOf(models: ModelDirectory, source: FileSource, asked: string | undefined) {
  if (asked !== undefined) return chooseEmbedding(models, { embedding: asked });
  const handle = source.embedding ?? source.embedding_config?.['handle'];
  const own = typeof handle === 'string' ? await models.resolveEmbedding(handle).catch(() => null) : null;
  return own ? { embedding: own.handle, embeddingConfig: toEmbeddingConfig(own) } : defaultEmbedding(models);
}

/** The ids that what a file holds has here, by its ids there. */
export interface ImportedFolders {
  readonly folders: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, string>;
  /** Files without a text. */
  readonly leftOut: readonly string[];
}

/** Stores folders and their files, in the caller's transaction. A folder whose name is taken gets another one. */
export async function importFolders(
  db: Queryable,
  { files }: AgentFile,
  read: ReadFolders,
): Promise<ImportedFolders> {
  const taken = await findFolderNames(db, [...read.values()].map(({ name }) => name)); // prettier-ignore
  const folders = new Map<string, string>();
  for (const [id, fields] of read) {
    const folderId = newId('source');
    const isTaken = taken.has(fields.name);
    const name = isTaken ? `${fields.name.slice(0, 246)}_${folderId.slice(7, 15)}` : fields.name;
    taken.add(name);
    folders.set(id, (await insertFolder(db, { ...fields, id: folderId, name })).id);
  }
  const stored = new Map<string, string>();
  const leftOut: string[] = [];
  for (const file of files ?? []) {
    const folderId = folders.get(file.source_id);
    if (folderId === undefined)
      throw badFile(
        `the file '${file.id}' names the folder '${file.source_id}', which the file does not hold`,
      );
    const fields = toNewFile(file);
    if (fields === null) leftOut.push(`the file '${file.file_name ?? file.id}', which has no text`);
    else stored.set(file.id, (await storeFile(db, { folderId, file: fields, duplicates: 'suffix' })).file.id);
  }
  return { folders, files: stored, leftOut };
}

function toNewFile(file: FileText) {
  if (typeof file.content !== 'string') return null;
  const name = cleanFileName((file.file_name ?? file.original_file_name ?? '').split('/').at(-1) ?? '');
  if (!isFileName(name)) throw badFile(`the file '${file.id}' has no name`);
  const content = storable(file.content);
  const size = Buffer.byteLength(content);
  if (size > MAX_FOLDER_FILE_BYTES) throw badFile(`the file '${name}' is larger than 10 MB`);
  return {
    id: newId('file'),
    name,
    originalName: cleanFileName(file.original_file_name ?? name) || name,
    contentType: storable(file.file_type ?? 'text/plain'),
    size: file.file_size ?? size,
    content,
  };
}

/**
 * Gives an agent the folders that its entry names, in the caller's transaction, and opens what it had open. Returns what its prompt
 * says of them; undefined where it has none.
 */
export async function attachImported(
  db: Queryable,
  agentId: string,
  { source_ids, folder_ids, files_agents }: FileAgent,
  { folders, files }: ImportedFolders,
): Promise<readonly Directory[] | undefined> {
  const named = [...(source_ids ?? []), ...(folder_ids ?? [])].flatMap((id) => folders.get(id) ?? []);
  if (!(await attachFolders(db, agentId, [...new Set(named)]))) return undefined;
  const open = (files_agents ?? []).flatMap((one) =>
    one.is_open === true ? (files.get(one.file_id) ?? []) : [],
  );
  const whole = [...new Set(open)].map((id) => ({ id, firstLine: null, lastLine: null }));
  if (whole.length > 0) await markOpen(db, agentId, whole, 'client');
  return directoriesOf(db, agentId);
}
