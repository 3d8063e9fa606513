import type { Pool } from '../../db/pool';
import type { MessagePart, MessageRole } from '../../domain/message';
import { newId } from '../../new-id';

// Rows as activities leave them, written by hand so that a test of reading needs no turn.

/** An agent with its own thread. */
export async function insertAgent(db: Pool, id = newId('agent')): Promise<string> {
  await db.query(
    `insert into agents (id, name, agent_type, system, model, llm_config, model_settings, compaction_settings)
     values ($1, 'tester', 'letta_v1_agent', 'be brief', 'openai/gpt-4.1', '{}', '{}', '{}')`,
    [id],
  );
  await insertConversation(db, id, id);
  return id;
}

export async function insertConversation(
  db: Pool,
  agentId: string,
  id: string = newId('conv'),
): Promise<string> {
  await db.query(`insert into conversations (id, agent_id) values ($1, $2)`, [id, agentId]);
  return id;
}

export async function insertRun(
  db: Pool,
  agentId: string,
  columns: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const row = {
    id: newId('run'),
    agent_id: agentId,
    conversation_id: agentId,
    status: 'completed',
    stop_reason: 'end_turn',
    max_steps: 50,
    request: '{}',
    ...columns,
  };
  await insert(db, 'runs', row);
  return row.id;
}

export async function insertStep(
  db: Pool,
  runId: string,
  agentId: string,
  columns: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const row = {
    id: newId('step'),
    run_id: runId,
    index: 0,
    agent_id: agentId,
    attempt: 1,
    status: 'success',
    ...columns,
  };
  await insert(db, 'steps', row);
  return row.id;
}

export async function insertMessage(
  db: Pool,
  agentId: string,
  columns: { readonly role: MessageRole; readonly parts: readonly MessagePart[] } & Readonly<
    Record<string, unknown>
  >,
): Promise<string> {
  const row = { id: newId('message'), agent_id: agentId, conversation_id: agentId, ...columns };
  await insert(db, 'messages', { ...row, parts: JSON.stringify(row.parts) });
  return row.id;
}

async function insert(db: Pool, table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
  const names = Object.keys(row).map((name) => `"${name}"`);
  const holders = names.map((_name, index) => `$${index + 1}`);
  await db.query(
    `insert into ${table} (${names.join(', ')}) values (${holders.join(', ')})`,
    Object.values(row),
  );
}
