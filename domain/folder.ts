import type { JsonObject } from './agent';
import { AppError } from './errors';

/** A collection of files that agents can look into. */
export interface Folder extends FolderFields {
  readonly id: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
export interface FolderFields {
  /** Unique: with it the paths of its files begin. */
  readonly name: string;
  readonly description: string | null;
  /** How agents are to use it. */
  readonly instructions: string | null;
  /** Handle of the model whose vectors its passages have; null means full-text search alone. */
  readonly embedding: string | null;
  /** In Letta's form. */
  readonly embeddingConfig: JsonObject | null;
  readonly metadata: JsonObject | null;
}

/** A text in a folder. It never changes: another text is another file. */
export interface StoredFile {
  readonly id: string;
  readonly folderId: string;
  /** What it is called in its folder. */
  readonly name: string;
  /** What it was called when it came. */
  readonly originalName: string;
  readonly contentType: string;
  /** In bytes, as it came. */
  readonly size: number;
  readonly passageCount: number;
  /** Passages that wait for their vectors. */
  readonly passagesDue: number;
  /** Whether its folder has an embedding model. */
  readonly isEmbedded: boolean;
  /** Why vectors could not be made the last time; null if they could. */
  readonly embeddingError: string | null;
  /** Null unless it was asked for. */
  readonly content: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A file to store. */
export interface NewFile {
  readonly id: string;
  /** What it is called where it comes from; null where it has the name of an upload alone. */
  readonly name: string | null;
  readonly originalName: string;
  readonly contentType: string;
  readonly size: number;
  readonly content: string;
}

/** Neighbouring lines of a file, which search finds together. */
export interface FilePassage {
  readonly id: string;
  readonly folderId: string;
  readonly fileId: string;
  /** With the name of the folder. */
  readonly filePath: string;
  readonly fileName: string;
  readonly firstLine: number;
  readonly lastLine: number;
  readonly text: string;
  readonly embedding: Float32Array | null;
  /** The folder's. */
  readonly embeddingConfig: JsonObject | null;
  readonly createdAt: Date;
}

/** What happens to a file whose name its folder has already. */
export const DUPLICATE_HANDLINGS = ['skip', 'error', 'suffix', 'replace'] as const;
export type DuplicateHandling = (typeof DUPLICATE_HANDLINGS)[number];

/** What agents call a file. */
export const filePath = (folderName: string, fileName: string): string => `${folderName}/${fileName}`;

/** Refuses what can't be the name of a folder: agents read it in front of the name of each file. */
export function checkFolderName(name: string): void {
  if (name.trim() !== '' && name.length <= 255 && !/[/\n\r<>"]/.test(name)) return;
  throw new AppError(
    'INVALID_ARGUMENT',
    'INVALID_ARGUMENT: The name of a folder has 1 to 255 characters, and no slash, line break, quote or angle bracket among them.',
  );
}
