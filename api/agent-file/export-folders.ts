import { filesOfFolders } from '../../db/folders/files';
import { foldersOf } from '../../db/folders/agent-folders';
import { agentFiles, excerptsOf } from '../../db/folders/open-files';
import type { Queryable } from '../../db/pool';
import type { Agent } from '../../domain/agent';
import { viewOf } from '../../domain/agent-files';
import type { Folder, StoredFile } from '../../domain/folder';
import { toWireFile } from '../wire/folder';

/** What a file says of the folders of its agents. */
export interface ExportedFolders {
  readonly sources: readonly object[];
  readonly files: readonly object[];
  /** The ids of an agent's folders, and what it has of their files, under `id` in the file. */
  readonly ofAgent: (agent: Agent, id: string) => Promise<{ readonly source_ids: readonly string[]; readonly files_agents: readonly object[] }>; // prettier-ignore
}

/** The folders of agents and every file in them with its text; vectors are computed anew where the file is read. */
export async function exportFolders(db: Queryable, agentIds: readonly string[]): Promise<ExportedFolders> {
  const attached = await foldersOf(db, agentIds);
  const folders = [...new Map([...attached.values()].flat().map((folder) => [folder.id, folder])).values()];
  const files = folders.length === 0 ? [] : await filesOfFolders(db, folders.map(({ id }) => id)); // prettier-ignore
  const sourceIds = new Map(folders.map(({ id }, index) => [id, `source-${index}`]));
  const fileIds = new Map(files.map(({ id }, index) => [id, `file-${index}`]));
  return {
    sources: folders.map((folder) => toFileSource(folder, sourceIds.get(folder.id))),
    files: files.map((file) => toFileText(file, { id: fileIds.get(file.id), source_id: sourceIds.get(file.folderId) })), // prettier-ignore
    async ofAgent(agent, id) {
      const own = attached.get(agent.id) ?? [];
      const there = own.length === 0 ? [] : await agentFiles(db, agent.id);
      const limit = agent.perFileViewWindowCharLimit;
      const excerpts = await excerptsOf(db, there.filter((file) => file.isOpen), limit); // prettier-ignore
      return {
        source_ids: own.flatMap((folder) => sourceIds.get(folder.id) ?? []),
        files_agents: there.map((file, index) => {
          const excerpt = excerpts.get(file.id);
          return {
            agent_id: id,
            file_id: fileIds.get(file.id),
            source_id: sourceIds.get(file.folderId),
            file_name: file.path,
            is_open: file.isOpen,
            visible_content: excerpt ? viewOf(excerpt, file, limit).text : null,
            last_accessed_at: (file.lastAccessedAt ?? agent.createdAt).toISOString(),
            start_line: file.firstLine,
            end_line: file.lastLine,
            id: `file_agent-${index}`,
          };
        }),
      };
    },
  };
}

const toFileSource = (folder: Folder, id: string | undefined) => ({
  name: folder.name,
  description: folder.description,
  instructions: folder.instructions,
  metadata: folder.metadata,
  embedding: null,
  embedding_chunk_size: null,
  embedding_config: folder.embeddingConfig,
  id,
});

function toFileText(
  file: StoredFile,
  ids: { readonly id: string | undefined; readonly source_id: string | undefined },
) {
  // prettier-ignore
  const { organization_id: _, created_at: _created, updated_at: _updated, ...fields } = toWireFile(file);
  return { ...fields, ...ids };
}
