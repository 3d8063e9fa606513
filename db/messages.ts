import { AppError } from '../domain/errors';
import type { Message } from '../domain/message';
import { allOf, type Conditions, createConditions, type Page, selectPage } from './keyset';
import { MESSAGE_COLUMNS, type MessageRow, rowToMessage } from './message-row';
import type { Queryable } from './pool';

export interface MessageFilter {
  readonly agentId?: string | undefined;
  readonly conversationId?: string | undefined;
  readonly runId?: string | undefined;
  readonly stepId?: string | undefined;
  /** What the runs of a batch said and did, without what they were sent. */
  readonly batchId?: string | undefined;
}

/** The message, or `NOT_FOUND`. */
export async function getMessage(db: Queryable, id: string): Promise<Message> {
  const { rows } = await db.query<MessageRow>(`select ${MESSAGE_COLUMNS} from messages where id = $1`, [id]);
  if (!rows[0]) throw new AppError('NOT_FOUND', `Message with id '${id}' not found`);
  return rowToMessage(rows[0]);
}

/** One page of the messages that meet the filter, in transcript order. An unknown cursor is `NOT_FOUND`. */
export async function listMessages(db: Queryable, filter: MessageFilter, page: Page): Promise<Message[]> {
  await requireCursors(db, filter.agentId, page);
  const select = `select ${MESSAGE_COLUMNS} from messages`;
  const query = {
    table: 'messages',
    select,
    ...conditionsOf(filter),
    sortBy: (t: string) => `${t}.seq`,
    page,
  };
  return (await selectPage<MessageRow>(db, query)).map(rowToMessage);
}

/**
 * The page as `agents.messages.list` cuts it: `order` chooses the oldest or the newest messages between the cursors,
 * and either way they come oldest first. `after` means later and `before` earlier in the transcript, whatever `order`.
 */
export async function listTranscript(db: Queryable, filter: MessageFilter, page: Page): Promise<Message[]> {
  await requireCursors(db, filter.agentId, page);
  const { where, values } = conditionsOf(filter);
  const cursors = [page.after ?? null, page.before ?? null];
  const [after, before, limit] = [1, 2, 3].map((offset) => `$${values.length + offset}`);
  const { rows } = await db.query<MessageRow>(
    `select ${MESSAGE_COLUMNS} from messages
      where ${allOf(where)}
        and (${after}::text is null or seq > (select c.seq from messages c where c.id = ${after}))
        and (${before}::text is null or seq < (select c.seq from messages c where c.id = ${before}))
      order by seq ${page.order} limit ${limit}`,
    [...values, ...cursors, page.limit],
  );
  if (page.order === 'desc') rows.reverse();
  return rows.map(rowToMessage);
}

// Roles of what a turn says and does.
const OUTPUT = `'assistant', 'tool', 'approval_request'`;

/**
 * What a run said and did, in order, without what it was told: the messages of a blocking answer. A client may speak in the
 * role of the assistant too; what clients wrote has an otid of its own.
 */
export async function listRunOutput(db: Queryable, runId: string, fromStep = 0): Promise<Message[]> {
  const { rows } = await db.query<MessageRow>({
    name: 'list-run-output-without-input',
    text: `select ${MESSAGE_COLUMNS} from messages
      where run_id = $1
        and (role in (${OUTPUT}) and otid is null
             or role = 'summary' and parts @> '[{"type": "compaction", "isTold": true}]')
        and ($2 = 0 or step_id in (select id from steps where run_id = $1 and index >= $2)) order by seq`,
    values: [runId, fromStep],
  });
  return rows.map(rowToMessage);
}

/** The messages with these ids that still exist. */
export async function findMessages(db: Queryable, ids: readonly string[]): Promise<Map<string, Message>> {
  if (ids.length === 0) return new Map();
  const { rows } = await db.query<MessageRow>(`select ${MESSAGE_COLUMNS} from messages where id = any($1)`, [
    ids,
  ]);
  return new Map(rows.map((row) => [row.id, rowToMessage(row)]));
}

function conditionsOf({ agentId, conversationId, runId, stepId, batchId }: MessageFilter): Conditions {
  const conditions = createConditions();
  if (agentId !== undefined) conditions.add('messages.agent_id = ?', agentId);
  if (conversationId !== undefined) conditions.add('messages.conversation_id = ?', conversationId);
  if (runId !== undefined) conditions.add('messages.run_id = ?', runId);
  if (stepId !== undefined) conditions.add('messages.step_id = ?', stepId);
  if (batchId !== undefined) {
    conditions.add(`messages.run_id in (select id from runs where batch_id = ?) and messages.role in (${OUTPUT})`, batchId); // prettier-ignore
  }
  return conditions;
}

async function requireCursors(db: Queryable, agentId: string | undefined, page: Page): Promise<void> {
  const ids = [page.before, page.after].filter((id) => id !== undefined);
  if (ids.length === 0) return;
  const { rows } = await db.query<{ id: string }>(
    `select id from messages where id = any($1) and ($2::text is null or agent_id = $2)`,
    [ids, agentId ?? null],
  );
  const missing = ids.find((id) => !rows.some((row) => row.id === id));
  if (missing === undefined) return;
  const where = agentId === undefined ? '' : ` for agent '${agentId}'`;
  throw new AppError('NOT_FOUND', `No message found with id '${missing}'${where}.`);
}
