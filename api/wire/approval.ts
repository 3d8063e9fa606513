import { z } from 'zod';
import {
  APPROVAL_STATUSES,
  MAX_EXPIRY_SECONDS,
  type Approval,
  type ApprovalExpiry,
} from '../../domain/approval';
import type { ProposedChanges } from '../proposed-changes';
import { jsonObject } from './fields';
import { pageFields } from './page';
import { queryChoice, queryText } from './query';

const toWireProposed = ({ changes, problem }: ProposedChanges) => ({
  changes: changes.map((change) => ({
    kind: change.kind,
    block_id: change.blockId,
    label: change.label,
    version: change.version,
    current_version: change.currentVersion,
    diff: change.diff,
    is_conflict: change.isConflict,
  })),
  problem,
});

/** A call that a human, or the client that runs it, was asked about. */
export const toWireApproval = (approval: Approval, proposed: ProposedChanges | null) => ({
  id: approval.id,
  message_id: approval.messageId,
  agent_id: approval.agentId,
  conversation_id: approval.conversationId,
  run_id: approval.runId,
  step_id: approval.stepId,
  tool_call_id: approval.toolCallId,
  tool_name: approval.toolName,
  arguments: approval.arguments,
  is_client_tool: approval.isClient,
  status: approval.status,
  requested_at: approval.requestedAt,
  expires_at: approval.expiresAt,
  expiry_action: approval.expiryAction ?? 'never',
  answered_at: approval.answeredAt,
  answered_by_run_id: approval.answeredBy,
  approve: approval.isApproved,
  reason: approval.reason,
  edited_arguments: approval.editedArguments,
  proposed_changes: proposed && toWireProposed(proposed),
});

export const ListApprovalsQuery = z.object({
  ...pageFields({ limit: 50, order: 'desc', maxLimit: 1000 }),
  status: queryChoice(APPROVAL_STATUSES),
  agent_id: queryText(),
  tool_name: queryText(),
});

/** Either one verdict on all calls of the request, or one for each. */
export const AnswerApprovalBody = z
  .object({
    approvals: z.array(jsonObject).min(1).nullish(),
    approve: z.boolean().nullish(),
    reason: z.string().nullish(),
  })
  .refine(({ approvals, approve }) => Boolean(approvals) !== (typeof approve === 'boolean'), {
    message: 'Give either `approve` for all calls of the request, or `approvals` with one answer for each',
  });

const afterSeconds = z.int().min(1).max(MAX_EXPIRY_SECONDS);
/** What answers a call when no human does: a field of tools and of an agent's tools, our own. */
export const ApprovalExpiryField = z.discriminatedUnion('action', [
  z.object({ action: z.literal('never') }),
  z.object({ action: z.enum(['deny', 'allow']), after_seconds: afterSeconds }),
]);

export const fromWireExpiry = (field: z.output<typeof ApprovalExpiryField>): ApprovalExpiry | null =>
  field.action === 'never' ? null : { action: field.action, afterSeconds: field.after_seconds };

export const toWireExpiry = ({ action, afterSeconds: seconds }: ApprovalExpiry) => ({
  action,
  after_seconds: seconds,
});
