import type { Message, MessageRole } from '../domain/message';
import { allOf, createConditions, likePattern, type Conditions } from './keyset';
import { MESSAGE_COLUMNS, type MessageRow, rowToMessage } from './message-row';
import type { Queryable } from './pool';
import { searchText } from './search-text';

/** What was said, by whom, where and when. Null leaves a filter out. */
export interface MessageQuery {
  /** Null lists what the filters leave, newest first. */
  readonly text: string | null;
  readonly roles: readonly Extract<MessageRole, 'user' | 'assistant' | 'tool'>[];
  readonly agentId: string | null;
  readonly conversationId: string | null;
  readonly from: Date | null;
  readonly to: Date | null;
  readonly limit: number;
}

/**
 * Messages by how well their words match, newest first among equals; where no word of the query matches at all, those
 * that hold it as it stands. Everything in the query is plain text.
 */
export async function searchMessages(db: Queryable, query: MessageQuery): Promise<readonly Message[]> {
  if (query.limit <= 0) return [];
  const text = searchText(query.text);
  if (text === null) return select(db, messageConditions(query), 'seq desc', query.limit);
  const matching = messageConditions(query);
  matching.add('words @@ search_query(?)', text);
  const rank = `ts_rank(words, search_query($${matching.values.length}), 1) desc, seq desc`;
  const found = await select(db, matching, rank, query.limit);
  if (found.length > 0) return found;
  const holding = messageConditions(query);
  holding.add(
    `exists (select from jsonb_array_elements(parts) part
              where coalesce(part ->> 'text', part ->> 'result', '') ilike ?)`,
    likePattern(text),
  );
  return select(db, holding, 'seq desc', query.limit);
}

function messageConditions(query: MessageQuery): Conditions {
  const conditions = createConditions();
  conditions.add('role = any(?)', query.roles);
  if (query.agentId !== null) conditions.add('agent_id = ?', query.agentId);
  if (query.conversationId !== null) conditions.add('conversation_id = ?', query.conversationId);
  if (query.from) conditions.add('created_at >= ?', query.from);
  if (query.to) conditions.add('created_at <= ?', query.to);
  return conditions;
}

async function select(
  db: Queryable,
  { where, values }: Conditions,
  order: string,
  limit: number,
): Promise<readonly Message[]> {
  const { rows } = await db.query<MessageRow>(
    `select ${MESSAGE_COLUMNS} from messages where ${allOf(where)} order by ${order} limit $${values.length + 1}`,
    [...values, limit],
  );
  return rows.map(rowToMessage);
}
