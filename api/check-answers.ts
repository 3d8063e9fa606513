import { findPendingApproval, isAnswerTo, lastAnswers, type PendingApproval } from '../db/approvals';
import type { RunToMint } from '../db/mint-run';
import type { Queryable } from '../db/pool';
import type { EarlierRun } from '../db/request-keys';
import { findToolsByName } from '../db/tools';
import { problemOfArguments } from '../domain/edited-arguments';
import { AppError } from '../domain/errors';
import { toPythonRepr } from '../domain/python-repr';
import { EVERY_CALL, type ApprovalAnswer, type TurnRequest } from '../domain/turn-request';

const NOTHING_WAITS =
  'Cannot process approval response: No tool call is currently awaiting approval. ' +
  'Please send a regular message to interact with the agent.';

/**
 * The request with its answers named by tool call. Answers that were given before come to the run that took them, or are
 * left out if the request also brings messages. `INVALID_ARGUMENT` in Letta's words when nothing waits, or when the answers
 * are not for exactly the calls that wait.
 */
export async function checkAnswers(
  db: Queryable,
  { request, conversationId }: RunToMint,
): Promise<{ readonly request: TurnRequest } | { readonly earlier: EarlierRun }> {
  if (request.approvals === null) return { request };
  const pending = await findPendingApproval(db, conversationId);
  const approvals = pending ? nameCalls(request.approvals, pending) : request.approvals;
  if (pending && isAnswerTo(pending, approvals)) {
    checkClientCalls(pending, approvals);
    return { request: { ...request, approvals: await checkEdits(db, pending, approvals) } };
  }
  const earlier = await findGiven(db, conversationId, request.approvals);
  if (earlier)
    return request.messages.length > 0 ? { request: { ...request, approvals: null } } : { earlier };
  if (!pending) throw new AppError('INVALID_ARGUMENT', NOTHING_WAITS);
  const expected = toPythonRepr(pending.toolCallIds);
  const given = toPythonRepr(approvals.map(({ toolCallId }) => toolCallId));
  throw new AppError(
    'INVALID_ARGUMENT',
    `Invalid tool call IDs. Expected '${expected}', but received '${given}'.`,
  );
}

/** Old clients name the request, or nothing, and mean all of its calls. */
const nameCalls = (
  answers: readonly ApprovalAnswer[],
  { messageId, toolCallIds }: PendingApproval,
): readonly ApprovalAnswer[] =>
  answers.flatMap((answer) =>
    answer.toolCallId === EVERY_CALL || answer.toolCallId === messageId
      ? toolCallIds.map((toolCallId) => ({ ...answer, toolCallId }))
      : [answer],
  );

async function findGiven(
  db: Queryable,
  conversationId: string,
  answers: readonly ApprovalAnswer[],
): Promise<EarlierRun | null> {
  const names = answers.map(({ toolCallId }) => toolCallId);
  const given = (await lastAnswers(db, conversationId)).find(
    (answer) => isAnswerTo(answer, answers) || (names.length === 1 && names[0] === answer.requestId),
  );
  return given ? { id: given.id, background: given.background, createdAt: given.createdAt } : null;
}

function checkClientCalls(pending: PendingApproval, answers: readonly ApprovalAnswer[]): void {
  const wrong = answers.find(
    (answer) => answer.type === 'approval' && answer.approve && callOf(pending, answer)?.isClient,
  );
  if (!wrong) return;
  throw new AppError(
    'INVALID_ARGUMENT',
    `INVALID_ARGUMENT: The client runs the tool of call '${wrong.toolCallId}' itself: answer with its result ` +
      "({type: 'tool', tool_call_id, tool_return, status}), or deny it.",
  );
}

/** Arguments that a human changed must be ones that the tool can be called with. */
async function checkEdits(
  db: Queryable,
  pending: PendingApproval,
  answers: readonly ApprovalAnswer[],
): Promise<readonly ApprovalAnswer[]> {
  for (const answer of answers) {
    if (answer.type !== 'approval' || answer.arguments === undefined) continue;
    const name = callOf(pending, answer)?.name ?? '';
    const [tool] = await findToolsByName(db, [name]);
    const problem = answer.approve
      ? tool && problemOfArguments(answer.arguments, tool)
      : 'a denied call takes no arguments';
    if (!problem) continue;
    throw new AppError(
      'INVALID_ARGUMENT',
      `INVALID_ARGUMENT: The arguments given for call '${answer.toolCallId}' of '${name}' cannot be used: ${problem}.`,
    );
  }
  return answers;
}

const callOf = (pending: PendingApproval, { toolCallId }: ApprovalAnswer) =>
  pending.calls.find(({ index }) => pending.callIds[index] === toolCallId);
