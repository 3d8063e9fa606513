import type { Message, MessagePart, MessageRole } from '../domain/message';

/** Columns of `messages` that make a `Message`, for use in select lists. */
export const MESSAGE_COLUMNS =
  'id, conversation_id, agent_id, run_id, step_id, role, parts, name, otid, sender_id, created_at';

export interface MessageRow {
  readonly id: string;
  readonly conversation_id: string;
  readonly agent_id: string;
  readonly run_id: string | null;
  readonly step_id: string | null;
  readonly role: MessageRole;
  readonly parts: readonly MessagePart[];
  readonly name: string | null;
  readonly otid: string | null;
  readonly sender_id: string | null;
  readonly created_at: Date;
}

/** The stored row as the domain sees it. */
export const rowToMessage = (row: MessageRow): Message => ({
  id: row.id,
  conversationId: row.conversation_id,
  agentId: row.agent_id,
  runId: row.run_id,
  stepId: row.step_id,
  role: row.role,
  parts: row.parts,
  name: row.name,
  otid: row.otid,
  senderId: row.sender_id,
  createdAt: row.created_at,
});
