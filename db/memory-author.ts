import type { MemoryAuthor } from '../domain/memory-history';
import type { OpenedTool } from '../domain/turn-state';
import type { Queryable } from './pool';

/**
 * Says who writes blocks and passages from here on in the caller's transaction; without a word of it a client of the API
 * does.
 */
export async function setMemoryAuthor(db: Queryable, author: MemoryAuthor): Promise<void> {
  await db.query({
    name: 'set-memory-author',
    text: `select set_config('everturn.author', $1, true)`,
    values: [JSON.stringify(author)],
  });
}

/** A tool call of a turn as the author of what it writes. */
export const authorOf = ({ agentId, conversationId, runId, stepId, call }: OpenedTool): MemoryAuthor => ({
  kind: 'tool',
  agentId,
  conversationId,
  runId,
  stepId,
  toolCallId: call.id,
  toolName: call.name,
});
