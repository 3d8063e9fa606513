import type { JsonObject } from '../domain/agent';
import { AppError } from '../domain/errors';
import { type Columns, updateSet } from './columns';
import { createConditions, likePattern, type Page, selectPage } from './keyset';
import { deleteOwnBlocks } from './isolated-blocks';
import { inTransaction, type Pool, type Queryable } from './pool';
import { shownContextIds } from './read-context';

/** A thread beside an agent's own one. */
export interface Conversation {
  readonly id: string;
  readonly agentId: string;
  readonly summary: string | null;
  /** The model and the settings it was given for itself; null where they are the agent's. */
  readonly model: string | null;
  readonly modelSettings: JsonObject | null;
  /** Blocks that it has in place of the agent's. */
  readonly isolatedBlockIds: readonly string[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** When the newest message was stored; null before the first one. */
  readonly lastMessageAt: Date | null;
}

const lastMessageAt = (t: string): string =>
  `(select m.created_at from messages m where m.conversation_id = ${t}.id and m.role <> 'system' order by m.seq desc limit 1)`;
const COLUMNS = `conversations.id, conversations.agent_id as "agentId", conversations.summary,
  conversations.model, conversations.model_settings as "modelSettings",
  array(select block_id from conversation_blocks cb where cb.conversation_id = conversations.id order by label) as "isolatedBlockIds",
  conversations.created_at as "createdAt",
  greatest(conversations.updated_at, ${lastMessageAt('conversations')}) as "updatedAt",
  ${lastMessageAt('conversations')} as "lastMessageAt"`;

/** The conversation, or `NOT_FOUND`. An agent's own thread is none. */
export async function getConversation(db: Queryable, id: string): Promise<Conversation> {
  const { rows } = await db.query<Conversation>(
    `select ${COLUMNS} from conversations where id = $1 and id <> agent_id`,
    [id],
  );
  return rows[0] ?? missing(id);
}

/** The agent that a conversation belongs to, or `NOT_FOUND`. */
export async function agentOfConversation(db: Queryable, id: string): Promise<string> {
  const { rows } = await db.query<{ agent_id: string }>(`select agent_id from conversations where id = $1`, [
    id,
  ]);
  return rows[0]?.agent_id ?? missing(id);
}

function missing(id: string): never {
  throw new AppError('NOT_FOUND', `Conversation not found with id='${id}'`);
}

/** Ids of a thread's context, oldest first: what the model reads, and last a request for approval that waits. */
export async function contextMessageIds(db: Queryable, conversationId: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ ids: readonly string[] }>(`select ${shownContextIds('$1')} as ids`, [
    conversationId,
  ]);
  return rows[0]?.ids ?? [];
}

export interface ConversationFilter {
  readonly agentId: string | undefined;
  readonly summarySearch: string | undefined;
}
export type ConversationSort = 'created_at' | 'last_run_completion' | 'last_message_at';

const SORT_BY: Readonly<Record<ConversationSort, (t: string) => string>> = {
  created_at: (t) => `${t}.created_at`,
  last_message_at: (t) => `coalesce(${lastMessageAt(t)}, '-infinity')`,
  last_run_completion: (t) =>
    `coalesce((select max(r.completed_at) from runs r where r.conversation_id = ${t}.id), '-infinity')`,
};

/** One page of conversations. The agents' own threads are not among them. */
export function listConversations(
  db: Queryable,
  filter: ConversationFilter,
  { sort, ...page }: Page & { readonly sort: ConversationSort },
): Promise<readonly Conversation[]> {
  const conditions = createConditions();
  conditions.add('conversations.id <> conversations.agent_id and not conversations.is_hidden');
  if (filter.agentId !== undefined) conditions.add('conversations.agent_id = ?', filter.agentId);
  if (filter.summarySearch !== undefined) {
    conditions.add('conversations.summary ilike ?', likePattern(filter.summarySearch));
  }
  return selectPage<Conversation>(db, {
    table: 'conversations',
    select: `select ${COLUMNS} from conversations`,
    ...conditions,
    sortBy: SORT_BY[sort],
    page,
  });
}

/** What a client can change of a conversation. Absent fields keep their value. */
export interface ConversationPatch {
  readonly summary?: string | null;
  readonly model?: string | null;
  readonly modelSettings?: JsonObject | null;
  /** The document that its turns work from; null for the agent's. */
  readonly llmConfig?: JsonObject | null;
}
const PATCHED: Columns<ConversationPatch> = {
  summary: ['summary'],
  model: ['model'],
  modelSettings: ['model_settings', 'jsonb'],
  llmConfig: ['llm_config', 'jsonb'],
};

/** Changes a conversation; `NOT_FOUND` without it. */
export async function updateConversation(db: Queryable, id: string, patch: ConversationPatch): Promise<void> {
  const { set, values } = updateSet(PATCHED, patch, 2);
  const { rowCount } = await db.query(
    `update conversations set ${set === '' ? '' : `${set}, `}updated_at = now() where id = $1 and id <> agent_id`,
    [id, ...values],
  );
  if (rowCount === 0) missing(id);
}

/** Deletes a conversation with its messages, runs and own blocks; `CONFLICT` while a turn of it is under way. */
export function deleteConversation(pool: Pool, id: string): Promise<void> {
  return inTransaction(pool, async (db) => {
    // A run that is being stored holds the row until it is there, and one that comes later finds no conversation.
    const { rowCount } = await db.query(
      `select from conversations where id = $1 and id <> agent_id for update`,
      [id],
    );
    if (rowCount === 0) missing(id);
    const active = await findActiveRun(db, id);
    if (active !== null) {
      throw new AppError(
        'CONFLICT',
        `CONFLICT: Conversation ${id} can't be deleted while its run ${active} is under way; cancel it first.`,
      );
    }
    await deleteOwnBlocks(db, id);
    await db.query('delete from conversations where id = $1', [id]);
  });
}

/** The run of a thread that was sent last and is not over; null if all are. */
export async function findActiveRun(db: Queryable, conversationId: string): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `select id from runs where conversation_id = $1 and status in ('created', 'running')
      order by queue_seq desc limit 1`,
    [conversationId],
  );
  return rows[0]?.id ?? null;
}

/** The newest run of a thread to which a message with this otid was sent; null if there is none. */
export async function findRunByOtid(
  db: Queryable,
  conversationId: string,
  otid: string,
): Promise<string | null> {
  const { rows } = await db.query<{ id: string }>(
    `select id from runs
      where conversation_id = $1 and (request -> 'messages' @> $2 or request_key = $3)
      order by queue_seq desc limit 1`,
    [conversationId, JSON.stringify([{ otid }]), `otid:${otid}`],
  );
  return rows[0]?.id ?? null;
}

/** The runs of a thread that a cancel ends: those not over, and those whose calls wait for approval. */
export async function findCancellableRuns(db: Queryable, conversationId: string): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from runs where conversation_id = $1 and status in ('created', 'running')
     union
     select m.run_id from messages m join steps s on s.id = m.step_id
      where m.conversation_id = $1 and m.role = 'approval_request' and not m.in_context and s.outcome ? 'pending'`,
    [conversationId],
  );
  return rows.map(({ id }) => id);
}
