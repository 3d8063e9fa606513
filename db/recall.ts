import type { MessagePart } from '../domain/message';
import type { Recall } from '../domain/ports';
import { textOf } from '../domain/prompt';
import type { MessageSearch } from '../domain/search';
import { fromDatabaseError } from './database-error';

const ROLES = ['user', 'assistant', 'tool'] as const;

/** Search over everything an agent's conversations ever held. */
export function createRecall(messages: MessageSearch): Recall {
  return {
    async search({ roles, ...query }) {
      const { hits, mode } = await messages
        .search({ ...query, mode: 'hybrid', roles: roles ?? ROLES, conversationId: null })
        .catch((error: unknown) => {
          throw fromDatabaseError(error) ?? error;
        });
      const found = hits.map(({ message: { id, role, parts, createdAt }, ...place }) => ({
        messageId: id,
        role,
        text: role === 'tool' ? resultOf(parts) : textOf(parts),
        createdAt,
        ...place,
      }));
      return { hits: found, mode };
    },
  };
}

const resultOf = (parts: readonly MessagePart[]): string =>
  parts.map((part) => (part.type === 'tool_return' ? part.result : '')).join('\n');
