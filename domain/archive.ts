import type { JsonObject } from './agent';
import { AppError } from './errors';

/** A collection of passages that agents share. */
export interface Archive extends ArchiveFields {
  readonly id: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
export interface ArchiveFields {
  readonly name: string;
  readonly description: string | null;
  /** Handle of the model whose vectors its passages have; null means full-text search alone. */
  readonly embedding: string | null;
  /** In Letta's form. */
  readonly embeddingConfig: JsonObject | null;
  readonly metadata: JsonObject | null;
}

/** A text in an archive. Whether it has a vector decides what finds it, not whether it is kept. */
export interface Passage {
  readonly id: string;
  readonly archiveId: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly metadata: JsonObject;
  readonly embedding: Float32Array | null;
  /** The archive's. */
  readonly embeddingConfig: JsonObject | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** A passage to store. An id that exists already is the same passage, sent again. */
export interface NewPassage {
  readonly id: string;
  readonly text: string;
  readonly tags: readonly string[];
  readonly metadata: JsonObject;
  /** Null means now. */
  readonly createdAt: Date | null;
}

/** What an agent's prompt says of its archive. */
export interface ArchiveSummary {
  readonly count: number;
  readonly tags: readonly string[];
}

/** Name and description of the archive that an agent gets with its first passage. */
export const defaultArchive = (agentName: string): Pick<ArchiveFields, 'name' | 'description'> => ({
  name: `${agentName}'s Archive`,
  description: 'Default archive created automatically',
});

/** The numbers in a vector that the archive asks for; null when its configuration does not say. */
export function dimensionsOf(config: JsonObject | null): number | null {
  const dimensions = config?.['embedding_dim'];
  return typeof dimensions === 'number' && Number.isInteger(dimensions) && dimensions > 0 ? dimensions : null;
}

/** A text worth keeping, or INVALID_ARGUMENT. */
export function checkPassageText(text: string): void {
  if (text.trim() !== '') return;
  throw new AppError(
    'INVALID_ARGUMENT',
    'INVALID_ARGUMENT: The text of a passage is empty. Send the text that is to be remembered.',
  );
}

/** Each tag once, in the order given, without the blank ones. */
export const cleanTags = (tags: readonly string[]): readonly string[] => [
  ...new Set(tags.map((tag) => tag.trim()).filter((tag) => tag !== '')),
];
