import { AppError } from '../domain/errors';
import type { Message } from '../domain/message';
import { callsForWorkflow, type AnsweredApproval, type PlannedCall } from '../domain/turn';
import type { ApprovalAnswer, TurnRequest } from '../domain/turn-request';
import type { RunStatus } from '../domain/run';
import type { ToolOutcome } from '../domain/tool';
import { derivedId } from '../new-id';
import { endRun } from './end-run';
import { MESSAGE_COLUMNS, type MessageRow, rowToMessage } from './message-row';
import { inTransaction, type Pool, type Queryable } from './pool';
import { insertMessages } from './save-reply';
import { closeCall, closeOpenCalls } from './tool-ledger';

/** Calls that wait for a human: the message that shows them and the step that made them. */
export interface PendingApproval {
  readonly messageId: string;
  /** The ids of the calls that wait. */
  readonly toolCallIds: readonly string[];
  /** The ids of all calls of the message, also those that need no answer, by their index. */
  readonly callIds: readonly string[];
  readonly askedBy: string;
  readonly step: number;
  readonly stepId: string;
  readonly calls: readonly PlannedCall[];
}

/** What waits for approval in a conversation, locked until the transaction ends; null if nothing does. */
export async function findPendingApproval(
  db: Queryable,
  conversationId: string,
): Promise<PendingApproval | null> {
  const { rows } = await db.query<{
    id: string;
    ids: readonly string[];
    waiting: readonly string[];
    run_id: string;
    step_id: string;
    index: number;
    pending: readonly PlannedCall[];
  }>(
    `select m.id, jsonb_path_query_array(m.parts, '$[*] ? (@.type == "tool_call").id') as ids,
            jsonb_path_query_array(m.parts, '$[*] ? (@.type == "tool_call" && !(@.waits == false)).id') as waiting,
            s.run_id, s.id as step_id, s.index, s.outcome -> 'pending' as pending
       from messages m join steps s on s.id = m.step_id
      where m.conversation_id = $1 and not m.in_context and m.role = 'approval_request' and s.outcome ? 'pending'
        for update of m`,
    [conversationId],
  );
  const row = rows[0];
  if (!row) return null;
  return {
    messageId: row.id,
    toolCallIds: row.waiting,
    callIds: row.ids,
    askedBy: row.run_id,
    step: row.index,
    stepId: row.step_id,
    calls: row.pending,
  };
}

/**
 * See `TurnStore.answerApproval`. The answers, what they close and the end of the waiting are one transaction; a repeat
 * finds the step answered by this run and returns the calls again. Answers that came second change nothing: their run goes
 * on with its messages, if it brought any.
 */
export function answerApproval(pool: Pool, runId: string): Promise<AnsweredApproval> {
  return inTransaction(pool, async (db) => {
    const run = await startRun(db, runId);
    const pending = await findPendingApproval(db, run.conversationId);
    if (!pending || !isAnswerTo(pending, run.answers)) {
      const earlier = await answeredBefore(db, runId);
      if (earlier) return earlier;
      if (run.hasMessages) return { calls: [], askedBy: runId, step: 0 };
      return { end: await endRun(db, { ...run, stopReason: pending ? 'requires_approval' : 'end_turn' }) };
    }
    await recordAnswers(db, run, pending);
    return settleAnswered(db, run, pending);
  });
}

interface AnsweringRun {
  readonly runId: string;
  readonly agentId: string;
  readonly conversationId: string;
  readonly answers: readonly ApprovalAnswer[];
  readonly hasMessages: boolean;
}

/** Whether the answers are for exactly the calls that wait. */
export function isAnswerTo(
  { toolCallIds }: Pick<PendingApproval, 'toolCallIds'>,
  answers: readonly ApprovalAnswer[],
): boolean {
  const given = answers.map(({ toolCallId }) => toolCallId);
  return given.length === toolCallIds.length && toolCallIds.every((id) => given.includes(id));
}

async function startRun(db: Queryable, runId: string): Promise<AnsweringRun> {
  const { rows } = await db.query<{
    agent_id: string;
    conversation_id: string;
    request: TurnRequest;
    cancelled: boolean;
  }>(
    `update runs set status = 'running', started_at = coalesce(started_at, now())
      where id = $1 and status in ('created', 'running')
      returning agent_id, conversation_id, request, cancel_requested_at is not null as cancelled`,
    [runId],
  );
  const row = rows[0];
  if (!row) throw new AppError('SUPERSEDED', `run ${runId} is over or gone; its approval can't be taken`);
  if (row.cancelled) throw new AppError('CANCELLED', `run ${runId} was cancelled`);
  const { agent_id: agentId, conversation_id: conversationId, request } = row;
  const hasMessages = request.messages.length > 0;
  return { runId, agentId, conversationId, answers: request.approvals ?? [], hasMessages };
}

/** An earlier attempt of this run took the answers; null if none did (another run answered first). */
async function answeredBefore(db: Queryable, runId: string): Promise<AnsweredApproval | null> {
  const { rows } = await db.query<{ asked_by: string; step: number; calls: readonly PlannedCall[] }>(
    `select s.run_id as asked_by, s.index as step, s.outcome -> 'calls' as calls
       from messages m join steps s on s.id = m.step_id where m.run_id = $1 and m.role = 'approval_response'`,
    [runId],
  );
  const row = rows[0];
  return row ? { calls: callsForWorkflow(row.calls), askedBy: row.asked_by, step: row.step } : null;
}

async function recordAnswers(db: Queryable, run: AnsweringRun, pending: PendingApproval): Promise<void> {
  const parts = run.answers.map((answer) => {
    const { toolCallId } = answer;
    if (answer.type === 'approval')
      return {
        type: 'approval',
        toolCallId,
        approve: answer.approve,
        reason: answer.reason,
        ...(answer.arguments !== undefined && { arguments: answer.arguments }),
      } as const;
    const { status, result, stdout, stderr } = answer;
    return { type: 'tool_return', toolCallId, name: '', status, result, stdout, stderr } as const;
  });
  const id = derivedId('message', run.runId, 'approval');
  await insertMessages(db, { ...run, stepId: pending.stepId }, [
    { id, role: 'approval_response', parts, name: null, otid: null, senderId: null, inContext: false },
  ]);
  await endWaiting(db, pending.stepId);
}

/** The calls of the step are open from here on, instead of waiting. */
async function endWaiting(db: Queryable, stepId: string): Promise<void> {
  await db.query(
    `update steps set outcome = jsonb_build_object('calls', outcome -> 'pending', 'expiresAfter', outcome -> 'expiresAfter')
      where id = $1`,
    [stepId],
  );
}

/** Closes what needs no tool of ours: denied calls and those that the client ran itself. */
async function settleAnswered(
  db: Queryable,
  run: AnsweringRun,
  pending: PendingApproval,
): Promise<AnsweredApproval> {
  const { askedBy, step } = pending;
  for (const { index } of pending.calls) {
    const id = pending.callIds[index] ?? '';
    const answer = run.answers.find(({ toolCallId }) => toolCallId === id);
    const isFree = !pending.toolCallIds.includes(id);
    if (isFree || (answer?.type === 'approval' && answer.approve)) continue;
    const done = await closeCall(db, { runId: run.runId, askedBy, step, index }, outcomeOf(answer));
    if (done.end) return { end: done.end };
  }
  return { calls: callsForWorkflow(pending.calls), askedBy, step };
}

function outcomeOf(answer: ApprovalAnswer | undefined): ToolOutcome {
  if (answer?.type === 'tool') {
    const { type: _, toolCallId: _id, ...outcome } = answer;
    return outcome;
  }
  const reason = answer?.reason ?? 'no reason given';
  return {
    status: 'error',
    result: `Error: request to call tool denied. User reason: ${reason}`,
    stdout: null,
    stderr: null,
  };
}

/** The messages that ask for approval in the agents' own threads, by agent. */
export async function findRequestsOf(
  db: Queryable,
  agentIds: readonly string[],
): Promise<ReadonlyMap<string, Message>> {
  const { rows } = await db.query<MessageRow>(
    `select ${MESSAGE_COLUMNS} from messages
      where conversation_id = any($1) and role = 'approval_request' and not in_context
        and exists (select from steps where steps.id = messages.step_id and steps.outcome ? 'pending')`,
    [agentIds],
  );
  return new Map(rows.map((row) => [row.agent_id, rowToMessage(row)]));
}

/** Denies what waits in a conversation, because its user cancelled or for another reason. Returns the run that asked, null if nothing waits. */
export async function denyPending(
  db: Queryable,
  conversationId: string,
  reason = 'The user cancelled the request, so the tool call was denied.',
): Promise<string | null> {
  const pending = await findPendingApproval(db, conversationId);
  if (!pending) return null;
  await endWaiting(db, pending.stepId);
  await closeOpenCalls(db, pending.askedBy, reason);
  return pending.askedBy;
}

/** An answer that was taken: the calls it was for, and its run. */
export interface GivenAnswer {
  readonly id: string;
  readonly status: RunStatus;
  readonly background: boolean;
  readonly createdAt: Date;
  readonly requestId: string;
  readonly toolCallIds: readonly string[];
}

/** The last answers that a conversation took, the newest first. */
export async function lastAnswers(db: Queryable, conversationId: string): Promise<readonly GivenAnswer[]> {
  const { rows } = await db.query<GivenAnswer>(
    `select r.id, r.status, r.background, r.created_at as "createdAt", s.message_id as "requestId",
            jsonb_path_query_array(m.parts, '$[*].toolCallId') as "toolCallIds"
       from messages m join runs r on r.id = m.run_id join steps s on s.id = m.step_id
      where m.conversation_id = $1 and m.role = 'approval_response' order by m.seq desc limit 10`,
    [conversationId],
  );
  return rows;
}
