import { finding, type Finding } from '../../domain/doctor';
import { denyPending } from '../approvals';
import { inTransaction, type Pool, type Queryable } from '../pool';

interface PendingRow {
  readonly conversationId: string;
  readonly runId: string;
  readonly stepId: string;
  readonly messageId: string;
  readonly toolCallId: string;
  readonly toolName: string;
  readonly isMissing: boolean;
}

const PENDING = `
  select a.conversation_id as "conversationId", a.run_id as "runId", a.step_id as "stepId", a.message_id as "messageId",
         a.tool_call_id as "toolCallId", a.tool_name as "toolName",
         not a.is_client and not exists (select from agent_tools at join tools t on t.id = at.tool_id
                                          where at.agent_id = a.agent_id and t.name = a.tool_name) as "isMissing"
    from approvals a where a.status = 'pending'`;

/** Requests for approval whose tools are gone, and answers to no request. */
export async function examineApprovals(db: Queryable, agentId: string): Promise<readonly Finding[]> {
  const { rows } = await db.query<PendingRow>(`${PENDING} and a.agent_id = $1`, [agentId]);
  const canStillRun = ({ messageId }: PendingRow) =>
    rows.some((row) => row.messageId === messageId && !row.isMissing);
  const withoutTool = rows
    .filter(({ isMissing }) => isMissing)
    .map(({ toolName, isMissing: _, ...place }) =>
      finding(
        canStillRun({ ...place, toolName, isMissing: true })
          ? 'approval_partly_without_tool'
          : 'approval_without_tool',
        place,
        `A call of ${toolName} waits for approval, and the agent does not have that tool any more.`,
        { tool_name: toolName },
      ),
    );
  const { rows: answers } =
    await db.query<{ conversationId: string; runId: string | null; stepId: string | null; messageId: string }>( // prettier-ignore
      `select m.conversation_id as "conversationId", m.run_id as "runId", m.step_id as "stepId", m.id as "messageId"
       from messages m
      where m.agent_id = $1 and m.role = 'approval_response' and m.in_context
        and not exists (select from messages asked, jsonb_array_elements(m.parts) answer
                         where asked.conversation_id = m.conversation_id and asked.role = 'approval_request'
                           and asked.parts @> jsonb_build_array(jsonb_build_object('type', 'tool_call', 'id', answer -> 'toolCallId')))`,
      [agentId],
    );
  return [
    ...withoutTool,
    ...answers.map((place) =>
      finding(
        'orphaned_approval_answer',
        place,
        'An answer stands in the thread without the request it is for.',
      ),
    ),
  ];
}

/** Closes what waits in a conversation if no call of it can run any more. An answer that comes first counts. */
export function closeWithoutTools(pool: Pool, conversationId: string): Promise<void> {
  return inTransaction(pool, async (db) => {
    // The message is locked as an answer would lock it; only then is it looked at.
    await db.query(
      `select from messages where conversation_id = $1 and not in_context and role = 'approval_request' for update`,
      [conversationId],
    );
    const { rows } = await db.query<PendingRow>(`${PENDING} and a.conversation_id = $1`, [conversationId]);
    if (rows.length === 0 || rows.some(({ isMissing }) => !isMissing)) return;
    await denyPending(
      db,
      conversationId,
      'The agent does not have this tool any more, so the call was not made.',
    );
  });
}

/** Takes an answer without a request out of the context. */
export async function setAnswerAside(db: Queryable, messageId: string): Promise<void> {
  await db.query(`update messages set in_context = false where id = $1 and role = 'approval_response'`, [
    messageId,
  ]);
}
