import type { Response } from 'express';
import { z } from 'zod';
import { textOf } from '../../domain/prompt';
import type { Found, MessageHit, PassageHit, Place, SearchMode, ToolHit } from '../../domain/search';
import { toZonedTimestamp } from '../../domain/zoned-timestamp';
import { toWirePassage } from './archive';
import { bodyDate } from './moments';
import { toWireMicros } from './dates';
import { toWireTool } from './tool';

const texts = z.array(z.string()).nullish();
const id = z.string().nullish();
const limit = z.int().min(1).max(100).default(50);
const searchMode = z.enum(['vector', 'fts', 'hybrid']).default('hybrid');
/** Letta's names of the modes. */
export const MODES = { fts: 'text', vector: 'vector', hybrid: 'hybrid' } as const satisfies Record<
  string,
  SearchMode
>;

const dates = { start_date: bodyDate().nullish(), end_date: bodyDate().nullish() };

export const SearchPassagesBody = z.object({
  query: z.string().nullish(),
  agent_id: id,
  archive_id: id,
  tags: texts,
  tag_match_mode: z.enum(['any', 'all']).default('any'),
  limit,
  ...dates,
});

export const SearchMessagesBody = z.object({
  query: z.string(),
  search_mode: searchMode,
  agent_id: id,
  conversation_id: id,
  limit,
  ...dates,
});

export const SearchToolsBody = z.object({
  query: z.string().nullish(),
  search_mode: searchMode,
  tool_types: texts,
  tags: texts,
  limit,
});

/** Says in headers how the hits were found, and why vectors were left out. */
export function tellMode(res: Response, { mode, reason }: Pick<Found<unknown>, 'mode' | 'reason'>): void {
  res.setHeader('x-everturn-search-mode', mode);
  if (reason !== null) res.setHeader('x-everturn-search-reason', reason);
}

/** A hit of an agent's own search, its time on the agent's clock. */
export const toWireMemory = ({ passage }: PassageHit, timezone: string) => ({
  id: passage.id,
  timestamp: toZonedTimestamp(passage.createdAt, timezone),
  content: passage.text,
  tags: passage.tags,
});

export const toWirePassageHit = ({ passage, score, textRank, vectorRank }: PassageHit & Place) => ({
  passage: toWirePassage(passage),
  score,
  metadata: { fts_rank: textRank, vector_rank: vectorRank },
});

/** A message that was found, by what was said in it. */
export const toWireMessageHit = ({ message }: MessageHit) => ({
  message_type: message.role === 'assistant' ? 'assistant_message' : 'user_message',
  content: textOf(message.parts),
  message_id: message.id,
  agent_id: message.agentId,
  conversation_id: message.conversationId === message.agentId ? null : message.conversationId,
  created_at: toWireMicros(message.createdAt),
});

export const toWireToolHit = ({ tool, content, score, textRank, vectorRank }: ToolHit & Place) => ({
  tool: toWireTool(tool),
  embedded_text: content,
  fts_rank: textRank,
  vector_rank: vectorRank,
  combined_score: score,
});
