import type { MessageHit, MessageQuery, MessageSearch } from '../../domain/search';
import { type Conditions, createConditions } from '../keyset';
import { findMessages } from '../messages';
import type { Queryable } from '../pool';
import { MESSAGES, type VectorScope } from '../vectors/vector-table';
import { createHybridSearch, type Searchable, type SearchDeps } from './hybrid-search';

/** Search over everything that was ever said, by the model that each agent's messages are embedded with. */
export const createMessageSearch = (deps: SearchDeps): MessageSearch => createHybridSearch(deps, SEARCHED);

const SEARCHED: Searchable<MessageQuery, MessageHit> = {
  from: 'messages',
  words: 'messages.words',
  holds: `exists (select from jsonb_array_elements(messages.parts) part
                   where coalesce(part ->> 'text', part ->> 'result', '') ilike ?)`,
  order: 'messages.seq desc',
  hasVector: 'messages.id in (select id from message_embeddings where embedding is not null)',
  conditions,
  isFiltered: (query) =>
    query.conversationId !== null || query.from !== null || query.to !== null || !hasAllSpeakers(query),
  scopes,
  load: async (db, ids) =>
    new Map([...(await findMessages(db, ids))].map(([id, message]) => [id, { message }] as const)),
};

// What tools gave has no vectors: it is long, and one vector says little of it.
const SPEAKERS = ['user', 'assistant'] as const;
const hasAllSpeakers = ({ roles }: MessageQuery): boolean => SPEAKERS.every((role) => roles.includes(role));

function conditions(query: MessageQuery): Conditions {
  const all = createConditions();
  all.add('messages.role = any(?)', query.roles);
  if (query.agentId !== null) all.add('messages.agent_id = ?', query.agentId);
  if (query.conversationId !== null) all.add('messages.conversation_id = ?', query.conversationId);
  if (query.from) all.add('messages.created_at >= ?', query.from);
  if (query.to) all.add('messages.created_at <= ?', query.to);
  return all;
}

/** One agent is a scope of its own, all of them are one for each model. */
async function scopes(db: Queryable, { agentId, roles }: MessageQuery): Promise<readonly VectorScope[]> {
  if (!SPEAKERS.some((role) => roles.includes(role))) return [];
  const { rows } = await db.query<{ model: string; dimensions: number }>(
    `select distinct model, dimensions from embedded_agents where $1::text is null or agent_id = $1
      order by model, dimensions`,
    [agentId],
  );
  return rows.map((row) => ({ table: MESSAGES, owner: agentId, ...row }));
}
