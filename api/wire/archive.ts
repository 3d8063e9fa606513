import { z } from 'zod';
import { type Archive, cleanTags, type NewPassage, type Passage } from '../../domain/archive';
import { DEFAULT_ORG_ID, DEFAULT_USER_ID } from '../../domain/ids';
import { newId } from '../../new-id';
import { bodyDate, queryMoment } from './moments';
import { toWireMicros } from './dates';
import { jsonObject } from './fields';
import { pageFields } from './page';
import { queryChoice, queryFlag, queryInteger, queryList, queryText } from './query';

const madeBy = ({ createdAt, updatedAt }: Pick<Archive, 'createdAt' | 'updatedAt'>) => ({
  created_by_id: DEFAULT_USER_ID,
  last_updated_by_id: DEFAULT_USER_ID,
  created_at: toWireMicros(createdAt),
  updated_at: toWireMicros(updatedAt),
});

/** An archive as Letta's clients know it. Key order is that of the original. */
export const toWireArchive = (archive: Archive) => ({
  ...madeBy(archive),
  name: archive.name,
  description: archive.description,
  organization_id: DEFAULT_ORG_ID,
  vector_db_provider: 'native',
  embedding_config: archive.embeddingConfig,
  metadata: archive.metadata,
  id: archive.id,
});

/** A passage as Letta's clients know it. `embedding` is null until its vector is there. */
export const toWirePassage = (passage: Passage) => ({
  ...madeBy(passage),
  is_deleted: false,
  organization_id: DEFAULT_ORG_ID,
  archive_id: passage.archiveId,
  source_id: null,
  file_id: null,
  file_name: null,
  metadata: passage.metadata,
  tags: passage.tags,
  id: passage.id,
  text: passage.text,
  embedding: passage.embedding && Array.from(passage.embedding),
  embedding_config: passage.embeddingConfig,
});

const embeddingFields = { embedding: z.string().nullish(), embedding_config: jsonObject.nullish() };
const description = z.string().nullish();

export const CreateArchiveBody = z.object({ name: z.string(), description, ...embeddingFields });
/** `embedding` goes beyond the original: it gives the archive another model. */
export const UpdateArchiveBody = z.object({ name: z.string().nullish(), description, ...embeddingFields });
export const ListArchivesQuery = z.object({
  ...pageFields({ limit: 50, order: 'desc' }),
  name: queryText(),
  agent_id: queryText(),
});

const tags = z.array(z.string()).nullish();
export const CreatePassageBody = z.object({
  text: z.string(),
  metadata: jsonObject.nullish(),
  tags,
  created_at: bodyDate().nullish(),
});
export const CreatePassagesBody = z.object({ passages: z.array(CreatePassageBody) });
export const CreateMemoryBody = CreatePassageBody.omit({ metadata: true });

/** The passage that a creation asks for, under a fresh id. */
export const fromWirePassage = (body: z.output<typeof CreatePassageBody>): NewPassage => ({
  id: newId('passage'),
  text: body.text,
  tags: cleanTags(body.tags ?? []),
  metadata: body.metadata ?? {},
  createdAt: body.created_at ?? null,
});

export const ListMemoryQuery = z.object({
  before: queryText(),
  after: queryText(),
  limit: queryInteger().transform((value) => value ?? 100),
  search: queryText(),
  ascending: queryFlag(),
});

const DEFAULT_TOP_K = 5;
export const SearchMemoryQuery = z.object({
  query: z.union([z.string(), z.array(z.string()).transform((values) => values.at(-1) ?? '')]),
  tags: queryList(),
  tag_match_mode: queryChoice(['any', 'all']).transform((mode) => mode ?? 'any'),
  top_k: queryInteger({ min: 0 }).transform((value) => value ?? DEFAULT_TOP_K),
  start_datetime: queryMoment(),
  end_datetime: queryMoment(),
});
