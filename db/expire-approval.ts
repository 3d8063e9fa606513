import { EXPIRED_REASON } from '../domain/approval';
import { isTerminal, type RunStatus } from '../domain/run';
import type { TurnInput } from '../domain/turn';
import type { ApprovalAnswer, TurnRequest } from '../domain/turn-request';
import { derivedId } from '../new-id';
import { findPendingApproval } from './approvals';
import { toJsonb } from './json';
import { inTransaction, type Pool } from './pool';

/** See `TurnStore.expireApproval`. The run's id is a function of the message, so a repeat mints nothing. */
export function expireApproval(pool: Pool, messageId: string): Promise<TurnInput | null> {
  return inTransaction(pool, async (db) => {
    const { rows: places } = await db.query<{ agent_id: string; conversation_id: string }>(
      `select agent_id, conversation_id from messages where id = $1`,
      [messageId],
    );
    // Gone with its agent or its conversation.
    if (!places[0]) return null;
    const { agent_id: agentId, conversation_id: conversationId } = places[0];
    const pending = await findPendingApproval(db, conversationId);
    if (pending?.messageId !== messageId) return null;
    const approvals = pending.calls
      .filter(({ waits }) => waits === true)
      .map(({ index, expiry }): ApprovalAnswer => ({
        type: 'approval',
        toolCallId: pending.callIds[index] ?? '',
        approve: expiry?.action === 'allow',
        reason: EXPIRED_REASON,
      }));
    const request: TurnRequest = { messages: [], approvals, overrideModel: null, overrideSystem: null };
    const runId = derivedId('run', messageId, 'expiry');
    const { rows } = await db.query<{ status: RunStatus }>(
      `with asked as (select max_steps from runs where id = $4),
            minted as (insert into runs (id, agent_id, conversation_id, max_steps, request, metadata, background)
                       select $1, $2, $3, coalesce((select max_steps from asked), 50), $5, $6, true
                       on conflict (id) do nothing returning status)
       select status from minted union all select status from runs where id = $1`,
      [
        runId,
        agentId,
        conversationId,
        pending.askedBy,
        toJsonb(request),
        { run_type: 'approval_expiry', approval_expiry: { message_id: messageId } },
      ],
    );
    if (!rows[0] || isTerminal(rows[0].status)) return null;
    return { runId, agentId, conversationId, isAnswer: true };
  });
}
