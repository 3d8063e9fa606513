import type { JsonObject } from '../domain/agent';
import type { MessagePart, MessageRole } from '../domain/message';
import { toJsonb } from './json';
import type { Queryable } from './pool';

/** A message that exists before any turn: the system message, or one of `initial_message_sequence`. */
export interface SeedMessage {
  readonly id: string;
  readonly role: Extract<MessageRole, 'system' | 'user' | 'assistant' | 'tool'>;
  readonly parts: readonly MessagePart[];
  readonly name: string | null;
  readonly otid: string | null;
  readonly senderId: string | null;
}

export interface NewThread {
  readonly agentId: string;
  /** The agent's id for its own thread. */
  readonly conversationId: string;
  readonly summary: string | null;
  /** The first is the system message. */
  readonly messages: readonly [SeedMessage, ...SeedMessage[]];
  readonly memorySeen: Readonly<Record<string, unknown>>;
  /** The model and settings that a conversation has for itself. */
  readonly own?: {
    readonly model: string | null;
    readonly modelSettings: JsonObject | null;
    readonly llmConfig: JsonObject | null;
  };
  readonly isHidden?: boolean;
}

/** Stores a thread of an agent with its first messages. */
export async function insertThread(
  db: Queryable,
  { agentId, conversationId, summary, messages, memorySeen, own, isHidden = false }: NewThread,
): Promise<void> {
  await db.query(
    `insert into conversations (id, agent_id, summary, system_message_id, memory_seen, model, model_settings, llm_config, is_hidden)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      conversationId,
      agentId,
      summary,
      messages[0].id,
      toJsonb(memorySeen),
      own?.model ?? null,
      own?.modelSettings ? toJsonb(own.modelSettings) : null,
      own?.llmConfig ? toJsonb(own.llmConfig) : null,
      isHidden,
    ],
  );
  await insertSeedMessages(db, { agentId, conversationId }, messages);
}

/** Adds messages to a thread that no turn has written. */
export async function insertSeedMessages(
  db: Queryable,
  { agentId, conversationId }: Pick<NewThread, 'agentId' | 'conversationId'>,
  messages: readonly SeedMessage[],
): Promise<void> {
  for (const message of messages) {
    await db.query(
      `insert into messages (id, conversation_id, agent_id, role, parts, name, otid, sender_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        message.id,
        conversationId,
        agentId,
        message.role,
        toJsonb(message.parts),
        message.name,
        message.otid,
        message.senderId,
      ],
    );
  }
}

/** A thread whose system message can be rebuilt. */
export interface RebuildableThread {
  readonly conversationId: string;
  readonly systemMessageId: string;
  readonly recallCount: number;
}

/** All threads of an agent that have a system message, locked until the transaction ends. */
export const lockThreads = (db: Queryable, agentId: string): Promise<readonly RebuildableThread[]> =>
  lockWhere(db, 'c.agent_id = $1', agentId);

/** One thread, likewise; null where it has no system message. */
export const lockThread = async (db: Queryable, conversationId: string): Promise<RebuildableThread | null> =>
  (await lockWhere(db, 'c.id = $1', conversationId))[0] ?? null;

async function lockWhere(
  db: Queryable,
  condition: string,
  id: string,
): Promise<readonly RebuildableThread[]> {
  const { rows } = await db.query<{ id: string; system_message_id: string; recall_count: number }>(
    `select c.id, c.system_message_id,
            (select count(*) from messages m where m.conversation_id = c.id and m.role <> 'system') as recall_count
       from conversations c
      where ${condition} and c.system_message_id is not null
      order by c.id
        for update of c`,
    [id],
  );
  return rows.map((row) => ({
    conversationId: row.id,
    systemMessageId: row.system_message_id,
    recallCount: row.recall_count,
  }));
}

/** Replaces the text of a thread's system message, which keeps its id and place, and what the model knows of memory. */
export async function rewriteSystemMessage(
  db: Queryable,
  thread: RebuildableThread,
  { text, memorySeen }: { readonly text: string; readonly memorySeen: Readonly<Record<string, unknown>> },
): Promise<void> {
  await db.query('update messages set parts = $2 where id = $1', [
    thread.systemMessageId,
    toJsonb([{ type: 'text', text }]),
  ]);
  await db.query('update conversations set memory_seen = $2, updated_at = now() where id = $1', [
    thread.conversationId,
    toJsonb(memorySeen),
  ]);
}
