import type { BlockAuthor } from '../domain/block-history';
import type { OpenedTool } from '../domain/turn-state';
import type { Queryable } from './pool';

/** Says who writes blocks from here on in the caller's transaction; without a word of it a client of the API does. */
export async function setBlockAuthor(db: Queryable, author: BlockAuthor): Promise<void> {
  await db.query({
    name: 'set-block-author',
    text: `select set_config('everturn.author', $1, true)`,
    values: [JSON.stringify(author)],
  });
}

/** A tool call of a turn as the author of what it writes. */
export const authorOf = ({ agentId, conversationId, runId, stepId, call }: OpenedTool): BlockAuthor => ({
  kind: 'tool',
  agentId,
  conversationId,
  runId,
  stepId,
  toolCallId: call.id,
  toolName: call.name,
});
