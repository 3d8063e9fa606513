import type { Request } from 'express';
import { z } from 'zod';
import type { Block } from '../../domain/block';
import { type BlamedLine, type BlockVersion, diffOf } from '../../domain/block-history';
import { AppError } from '../../domain/errors';
import { pageFields } from './page';
import { queryDate, queryInteger } from './query';

// Our own extension: Letta keeps no history of its blocks.

export const BlockHistoryQuery = z.object({
  ...pageFields({ limit: 50, order: 'desc', maxLimit: 1000 }),
  after: queryInteger(),
  before: queryInteger(),
  as_of: queryDate(),
});
export const BlockAsOfQuery = z.object({ as_of: queryDate() });
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

export const RevertBlockBody = z.object({ version: z.int().min(1) });

const authorOf = ({ author, model, sourceMessageId }: BlockVersion) => ({
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
  block_id: version.blockId,
  version: version.version,
  label: version.label,
  value: version.value,
  diff: diffOf(version.before ?? '', version.value),
  author: authorOf(version),
  created_at: version.createdAt.toISOString(),
});

/** A line of a block and the version that brought it. */
export const toWireBlamedLine = ({ text, version }: BlamedLine<BlockVersion>, index: number) => ({
  line: index + 1,
  text,
  version: version.version,
  author: authorOf(version),
  created_at: version.createdAt.toISOString(),
});
