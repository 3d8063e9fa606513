import type { Request } from 'express';
import { z } from 'zod';
import type { Block } from '../../domain/block';
import { cleanTags } from '../../domain/archive';
import {
  type BlamedLine,
  type BlockVersion,
  contentAfter,
  diffOf,
  type MemoryVersion,
  type MemoryWrite,
  type PassageContent,
  type PassageVersion,
} from '../../domain/memory-history';
import { AppError } from '../../domain/errors';
import { jsonObject } from './fields';
import { pageFields } from './page';
import { queryDate, queryInteger, queryText } from './query';

// Our own extension: Letta keeps no history of memory.

/** `after` and `before` are versions, or places among the writes of an archive. */
export const HistoryQuery = z.object({
  ...pageFields({ limit: 50, order: 'desc', maxLimit: 1000 }),
  after: queryInteger(),
  before: queryInteger(),
  as_of: queryDate(),
});
export const AsOfQuery = z.object({ as_of: queryDate() });
/** The version of a block as an entity tag: a client that sends it back in `If-Match` writes only on top of it. */
export const etagOf = ({ version }: Pick<Block, 'version'>): string => `"${version}"`;

/** The version that the client has read, from `If-Match`; null where it does not care. */
export function expectedVersion(req: Request): number | null {
  const tag = req.get('if-match');
  if (tag === undefined || tag === '*') return null;
  const version = /^(?:W\/)?"?(\d{1,15})"?$/.exec(tag)?.[1];
  if (version !== undefined) return Number(version);
  throw new AppError('VALIDATION', 'If-Match must be the ETag that the block was read with.', {
    facts: { plain: true },
  });
}

export const RevertBody = z.object({ version: z.int().min(1) });
export const PassagesAtQuery = z.object({
  as_of: queryDate(),
  after: queryText(),
  limit: queryInteger({ max: 1000 }).transform((value) => value ?? 50),
});
export const UpdatePassageBody = z.object({
  text: z.string().nullish(),
  tags: z.array(z.string()).nullish(),
  metadata: jsonObject.nullish(),
});

export const fromWirePassageUpdate = ({
  text,
  tags,
  metadata,
}: z.output<typeof UpdatePassageBody>): Partial<PassageContent> => ({
  ...(typeof text === 'string' && { text }),
  ...(tags && { tags: cleanTags(tags) }),
  ...(metadata && { metadata }),
});

const authorOf = ({ author, model, sourceMessageId }: MemoryWrite) => ({
  kind: author.kind,
  agent_id: author.agentId ?? null,
  conversation_id: author.conversationId ?? null,
  run_id: author.runId ?? null,
  step_id: author.stepId ?? null,
  tool_call_id: author.toolCallId ?? null,
  tool_name: author.toolName ?? null,
  model,
  source_message_id: sourceMessageId,
  reverted_to: author.revertedTo ?? null,
  reverted_message_id: author.revertedMessageId ?? null,
});

/** A version of a block, who wrote it, and what it changed. */
export const toWireBlockVersion = (version: BlockVersion) => ({
  block_id: version.id,
  version: version.version,
  label: version.label,
  value: version.value,
  diff: diffOf(version.before ?? '', version.value),
  author: authorOf(version),
  created_at: version.createdAt.toISOString(),
});

/** A version of a passage, who wrote it, and what it changed of the text. */
export const toWirePassageVersion = (version: PassageVersion) => ({
  passage_id: version.id,
  archive_id: version.archiveId,
  version: version.version,
  seq: version.seq,
  ...version.content,
  is_deleted: version.isDeleted,
  diff: diffOf(version.before?.text ?? '', contentAfter(version)?.text ?? ''),
  author: authorOf(version),
  created_at: version.createdAt.toISOString(),
});

/** A write of a block or a passage, each in its own form. */
export const toWireMemoryVersion = (version: MemoryVersion) =>
  version.kind === 'block' ? toWireBlockVersion(version) : toWirePassageVersion(version);

/** A line of a block and the version that brought it. */
export const toWireBlamedLine = ({ text, version }: BlamedLine<BlockVersion>, index: number) => ({
  line: index + 1,
  text,
  version: version.version,
  author: authorOf(version),
  created_at: version.createdAt.toISOString(),
});
