import { Router } from 'express';
import { listApprovals, threadOfApproval } from '../../db/approval-list';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { proposedChanges, type ProposedChanges } from '../proposed-changes';
import { sendAsync } from '../send-turn';
import { AnswerApprovalBody, ListApprovalsQuery, toWireApproval } from '../wire/approval';
import { toWireRun } from '../wire/run';
import { SendMessageAsyncBody } from '../wire/turn-request';
import { parseBody, parseQuery } from '../wire/validation';

/** What waits for humans, across agents, and one place to answer it. */
export function approvalRoutes(deps: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { messageId: 'message' });

  router.get('/approvals', async (req, res) => {
    const query = parseQuery(ListApprovalsQuery, req.query);
    const filter = { status: query.status, agentId: query.agent_id, toolName: query.tool_name };
    const approvals = await listApprovals(deps.db, filter, query);
    const proposed: (ProposedChanges | null)[] = [];
    for (const approval of approvals) proposed.push(await proposedChanges(deps, approval));
    res.json(approvals.map((approval, index) => toWireApproval(approval, proposed[index] ?? null)));
  });

  /** The same as an answer among the messages of its thread, sent as an async run. */
  router.post('/approvals/:messageId/answer', async (req, res) => {
    const { messageId } = req.params;
    const { approvals, approve, reason } = parseBody(AnswerApprovalBody, req.body);
    const answer = approvals
      ? { type: 'approval', approvals }
      : { type: 'approval', approve, reason, approval_request_id: messageId };
    const body = parseBody(SendMessageAsyncBody, { messages: [answer] });
    const thread = await threadOfApproval(deps.db, messageId);
    const run = await sendAsync(deps, req, {
      thread,
      kind: 'async',
      runType: 'approval_answer',
      whenBusy: 'enqueue',
      body,
    });
    res.json(toWireRun(run));
  });

  return router;
}
