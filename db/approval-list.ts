import type { Approval, ApprovalStatus } from '../domain/approval';
import { AppError } from '../domain/errors';
import { createConditions, type Page, selectPage } from './keyset';
import type { Queryable } from './pool';

const APPROVAL_SELECT = `select approvals.id, approvals.message_id as "messageId", approvals.agent_id as "agentId",
  approvals.conversation_id as "conversationId", approvals.run_id as "runId", approvals.step_id as "stepId",
  approvals.tool_call_id as "toolCallId", approvals.tool_name as "toolName", approvals.arguments,
  approvals.is_client as "isClient", approvals.status, approvals.requested_at as "requestedAt",
  approvals.expires_at as "expiresAt", approvals.expiry_action as "expiryAction",
  approvals.answered_at as "answeredAt", approvals.answered_by as "answeredBy",
  approvals.is_approved as "isApproved", approvals.reason, approvals.edited_arguments as "editedArguments"
  from approvals`;

export interface ApprovalFilter {
  readonly status?: ApprovalStatus | undefined;
  readonly agentId?: string | undefined;
  readonly toolName?: string | undefined;
}

/** One page of the calls that humans were asked about, of all agents, by the time they were asked. */
export function listApprovals(
  db: Queryable,
  { status, agentId, toolName }: ApprovalFilter,
  page: Page,
): Promise<readonly Approval[]> {
  const conditions = createConditions();
  if (status !== undefined) conditions.add('approvals.status = ?', status);
  if (agentId !== undefined) conditions.add('approvals.agent_id = ?', agentId);
  if (toolName !== undefined) conditions.add('approvals.tool_name = ?', toolName);
  return selectPage<Approval>(db, {
    table: 'approvals',
    select: APPROVAL_SELECT,
    ...conditions,
    sortBy: (t) => `${t}.requested_at`,
    page,
  });
}

/** The thread of an approval request, or `NOT_FOUND`. */
export async function threadOfApproval(
  db: Queryable,
  messageId: string,
): Promise<{ readonly agentId: string; readonly conversationId: string }> {
  const { rows } = await db.query<{ agentId: string; conversationId: string }>(
    `select agent_id as "agentId", conversation_id as "conversationId" from messages
      where id = $1 and role = 'approval_request'`,
    [messageId],
  );
  if (rows[0]) return rows[0];
  throw new AppError(
    'NOT_FOUND',
    `No approval request with id '${messageId}'. List the approvals to see which wait.`,
  );
}
