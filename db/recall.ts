import type { MessagePart } from '../domain/message';
import type { Recall } from '../domain/ports';
import { textOf } from '../domain/prompt';
import { fromDatabaseError } from './database-error';
import type { Pool } from './pool';
import { searchMessages } from './search-messages';

const ROLES = ['user', 'assistant', 'tool'] as const;

/** Text search over everything an agent's conversations ever held: best match first, then newest. */
export function createRecall(pool: Pool): Recall {
  return {
    async search({ roles, ...query }) {
      const found = await searchMessages(pool, {
        ...query,
        roles: roles ?? ROLES,
        conversationId: null,
      }).catch((error: unknown) => {
        throw fromDatabaseError(error) ?? error;
      });
      return found.map(({ id, role, parts, createdAt }) => ({
        messageId: id,
        role,
        text: role === 'tool' ? resultOf(parts) : textOf(parts),
        createdAt,
      }));
    },
  };
}

const resultOf = (parts: readonly MessagePart[]): string =>
  parts.map((part) => (part.type === 'tool_return' ? part.result : '')).join('\n');
