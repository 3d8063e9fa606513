import { z } from 'zod';
import type { AgentFile } from '../../domain/agent-files';
import { DUPLICATE_HANDLINGS, type FilePassage, type Folder, type StoredFile } from '../../domain/folder';
import { DEFAULT_ORG_ID, DEFAULT_USER_ID } from '../../domain/ids';
import type { FolderStats } from '../../db/folders/folders';
import { toWireMicros } from './dates';
import { int32, jsonObject } from './fields';
import { pageFields } from './page';
import { queryChoice, queryFlag, queryText } from './query';

const madeBy = ({ createdAt, updatedAt }: Pick<Folder, 'createdAt' | 'updatedAt'>) => ({
  created_by_id: DEFAULT_USER_ID,
  last_updated_by_id: DEFAULT_USER_ID,
  created_at: toWireMicros(createdAt),
  updated_at: toWireMicros(updatedAt),
});
const described = (folder: Folder) => ({
  name: folder.name,
  description: folder.description,
  instructions: folder.instructions,
  metadata: folder.metadata,
  id: folder.id,
  embedding_config: folder.embeddingConfig,
  organization_id: DEFAULT_ORG_ID,
});

/** A folder as Letta's clients know it. Key order is that of the original. */
export const toWireFolder = (folder: Folder) => ({ ...described(folder), ...madeBy(folder) });
/** A folder under its older name. */
export const toWireSource = (folder: Folder) => ({
  ...described(folder),
  vector_db_provider: 'native',
  ...madeBy(folder),
});

/**
 * A file as Letta's clients know it. It is `completed` when all its passages have their vectors, and can be read, and found
 * by its words, before that.
 */
export const toWireFile = (file: StoredFile) => ({
  source_id: file.folderId,
  file_name: file.name,
  original_file_name: file.originalName,
  file_path: null,
  file_type: file.contentType,
  file_size: file.size,
  file_creation_date: null,
  file_last_modified_date: null,
  processing_status: file.passagesDue > 0 ? 'embedding' : 'completed',
  error_message: file.embeddingError,
  total_chunks: file.passageCount,
  chunks_embedded: file.isEmbedded ? file.passageCount - file.passagesDue : 0,
  content: file.content,
  id: file.id,
  organization_id: DEFAULT_ORG_ID,
  created_at: toWireMicros(file.createdAt),
  updated_at: toWireMicros(file.updatedAt),
});

/** A passage of a file, in the form of every passage. */
export const toWireFilePassage = (passage: FilePassage) => ({
  ...madeBy({ createdAt: passage.createdAt, updatedAt: passage.createdAt }),
  is_deleted: false,
  organization_id: DEFAULT_ORG_ID,
  archive_id: null,
  source_id: passage.folderId,
  file_id: passage.fileId,
  file_name: passage.filePath,
  metadata: { first_line: passage.firstLine, last_line: passage.lastLine },
  tags: [],
  id: passage.id,
  text: passage.text,
  embedding: passage.embedding && Array.from(passage.embedding),
  embedding_config: passage.embeddingConfig,
});

/** A file as an agent has it. `visibleContent` is what it looks at, of a file that is open. */
export const toWireAgentFile = (file: AgentFile, visibleContent: string | null) => ({
  id: `file_agent-${file.id.slice('file-'.length)}`,
  file_id: file.id,
  file_name: file.path,
  folder_id: file.folderId,
  folder_name: file.folderName,
  is_open: file.isOpen,
  last_accessed_at: file.lastAccessedAt && toWireMicros(file.lastAccessedAt),
  visible_content: visibleContent,
  start_line: file.firstLine,
  end_line: file.lastLine,
});

/** What all folders hold, in numbers; folder by folder if `isDetailed`. */
export const toWireStats = (folders: readonly FolderStats[], isDetailed: boolean) => ({
  total_sources: folders.length,
  total_files: folders.reduce((sum, { fileCount }) => sum + fileCount, 0),
  total_size: folders.reduce((sum, { totalSize }) => sum + totalSize, 0),
  sources: (isDetailed ? folders : []).map((folder) => ({
    source_id: folder.id,
    source_name: folder.name,
    file_count: folder.fileCount,
    total_size: folder.totalSize,
    files: folder.files.map(({ id, name, size }) => ({ file_id: id, file_name: name, file_size: size })),
  })),
});

const description = z.string().nullish();
export const CreateFolderBody = z.object({
  name: z.string(),
  description,
  instructions: description,
  metadata: jsonObject.nullish(),
  embedding: z.string().nullish(),
  embedding_chunk_size: int32.nullish(),
  embedding_config: jsonObject.nullish(),
});
export const UpdateFolderBody = CreateFolderBody.omit({
  embedding: true,
  embedding_chunk_size: true,
}).partial({ name: true }).extend({ name: z.string().nullish() }); // prettier-ignore

const cursor = queryText().transform((id) => id?.replace(/^file_agent-/, 'file-'));
export const ListAgentFilesQuery = z.object({
  ...pageFields({ limit: 100, order: 'desc' }),
  before: cursor,
  after: cursor,
  cursor,
  is_open: queryFlag(),
});
export const ListFoldersOfAgentQuery = z.object(pageFields({ limit: 100, order: 'desc' }));

const order_by = queryChoice(['created_at']);
export const ListFoldersQuery = z.object({
  ...pageFields({ limit: 50, order: 'asc' }),
  order_by,
  name: queryText(),
});
export const AgentsOfFolderQuery = z.object({ ...pageFields({ limit: 50, order: 'desc' }), order_by });
export const ListFilePassagesQuery = z.object({ ...pageFields({ limit: 100, order: 'desc' }), order_by });
export const FileQuery = z.object({ include_content: queryFlag() });
export const ListFilesQuery = z.object({
  ...pageFields({ limit: 1000, order: 'desc' }),
  order_by,
  include_content: queryFlag(),
});
export const FolderStatsQuery = z.object({ include_detailed_per_source_metadata: queryFlag() });
export const UploadQuery = z.object({
  duplicate_handling: queryChoice(DUPLICATE_HANDLINGS).transform((choice) => choice ?? 'suffix'),
  name: queryText(),
});
