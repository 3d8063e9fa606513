import type { MessagePart, MessageRole } from '../domain/message';
import type { Recall } from '../domain/ports';
import { textOf } from '../domain/prompt';
import { fromDatabaseError } from './database-error';
import { likePattern } from './keyset';
import type { Pool } from './pool';

/** Text search over everything an agent's conversations ever held, newest first. Case does not matter. */
export function createRecall(pool: Pool): Recall {
  return {
    async search({ agentId, text, roles, limit, from, to }) {
      const { rows } = await pool
        .query<{ id: string; role: MessageRole; parts: readonly MessagePart[]; created_at: Date }>(
          `select id, role, parts, created_at from messages
          where agent_id = $1 and role in ('user', 'assistant', 'tool')
            and ($2::text[] is null or role = any ($2))
            and ($3::text is null or exists (
                  select from jsonb_array_elements(parts) part
                   where coalesce(part ->> 'text', part ->> 'result', '') ilike $3))
            and ($4::timestamptz is null or created_at >= $4) and ($5::timestamptz is null or created_at <= $5)
          order by seq desc limit $6`,
          [agentId, roles, text === null ? null : likePattern(text), from, to, limit],
        )
        .catch((error: unknown) => {
          throw fromDatabaseError(error) ?? error;
        });
      return rows.map((row) => ({
        messageId: row.id,
        role: row.role,
        text: row.role === 'tool' ? resultOf(row.parts) : textOf(row.parts),
        createdAt: row.created_at,
      }));
    },
  };
}

const resultOf = (parts: readonly MessagePart[]): string =>
  parts.map((part) => (part.type === 'tool_return' ? part.result : '')).join('\n');
