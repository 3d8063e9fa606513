import type { DueSource } from './due-embeddings';
import { dimensionsIn, FILE_PASSAGES, PASSAGES } from './vector-table';

/** Passages that wait for their vectors, by the model of their archive. */
export const PASSAGES_DUE: DueSource = {
  table: PASSAGES,
  select: `select taken.id, taken.lease, taken.text, a.embedding as handle, ${dimensionsIn('a.embedding_config')} as dimensions
             from taken join archives a on a.id = taken.archive_id where a.embedding is not null`,
  values: [],
};

/** Passages of files that wait for their vectors, by the model of their folder. */
export const FILE_PASSAGES_DUE: DueSource = {
  table: FILE_PASSAGES,
  select: `select taken.id, taken.lease, taken.text, f.embedding as handle, ${dimensionsIn('f.embedding_config')} as dimensions
             from taken join folders f on f.id = taken.folder_id where f.embedding is not null`,
  values: [],
};
