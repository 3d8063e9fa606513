/** A table whose rows have vectors, in the columns that `passages` has for them. All names are SQL, never user input. */
export interface VectorTable {
  readonly name: 'passages' | 'message_embeddings' | 'tool_embeddings' | 'file_passages';
  /** Whose a row is: what a search may be narrowed to beforehand. SQL over the table. */
  readonly owner: string;
  /** pgvector's copies, and the names of their columns. */
  readonly copies: { readonly table: string; readonly id: string; readonly owner: string };
}

export const PASSAGES: VectorTable = {
  name: 'passages',
  owner: 'archive_id',
  copies: { table: 'passage_vectors', id: 'passage_id', owner: 'archive_id' },
};

export const MESSAGES: VectorTable = {
  name: 'message_embeddings',
  owner: 'agent_id',
  copies: { table: 'message_vectors', id: 'message_id', owner: 'agent_id' },
};

/** Tools are everybody's. */
export const TOOLS: VectorTable = {
  name: 'tool_embeddings',
  owner: `''::text`,
  copies: { table: 'tool_vectors', id: 'tool_id', owner: 'owner' },
};

export const FILE_PASSAGES: VectorTable = {
  name: 'file_passages',
  owner: 'folder_id',
  copies: { table: 'file_passage_vectors', id: 'passage_id', owner: 'folder_id' },
};

export const VECTOR_TABLES = [PASSAGES, MESSAGES, TOOLS, FILE_PASSAGES] as const;

/** The vectors that one search compares: those of one model, of one owner or of all. */
export interface VectorScope {
  readonly table: VectorTable;
  readonly owner: string | null;
  readonly model: string;
  readonly dimensions: number;
}

/** Names a scope, for what is kept of it. */
export const scopeKey = ({ table, owner, model, dimensions }: VectorScope): string =>
  `${table.name}#${owner ?? ''}#${model}#${dimensions}`;

/** Nearest rows of a scope. */
export interface VectorIndex {
  /** The ids of the nearest rows, nearest first; only those of `among` if it is given. Null if there are too many. */
  nearest(
    scope: VectorScope,
    query: Float32Array,
    options: { readonly limit: number; readonly among: ReadonlySet<string> | null },
  ): Promise<readonly string[] | null>;
  /** Drops rows that turned out to be gone. */
  forget(scope: VectorScope, ids: readonly string[]): void;
}

/** SQL of the numbers that a vector has by an `embedding_config`; null where it does not say. */
export const dimensionsIn = (config: string): string =>
  `case when jsonb_typeof(${config} -> 'embedding_dim') = 'number' and ${config} ->> 'embedding_dim' ~ '^[1-9][0-9]{0,4}$'
        then (${config} ->> 'embedding_dim')::integer end`;
