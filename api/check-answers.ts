import {
  findPendingApproval,
  type GivenAnswer,
  isAnswerTo,
  lastAnswers,
  type PendingApproval,
} from '../db/approvals';
import type { RunToMint } from '../db/mint-run';
import type { Queryable } from '../db/pool';
import type { EarlierRun } from '../db/request-keys';
import { findToolsByName } from '../db/tools';
import { problemOfArguments } from '../domain/edited-arguments';
import { AppError } from '../domain/errors';
import { toPythonRepr } from '../domain/python-repr';
import { EVERY_CALL, type ApprovalAnswer, type InputMessage, type TurnRequest } from '../domain/turn-request';
import { newId } from '../new-id';

const NOTHING_WAITS =
  'Cannot process approval response: No tool call is currently awaiting approval. ' +
  'Please send a regular message to interact with the agent.';

type CheckedAnswers = { readonly request: TurnRequest } | { readonly earlier: EarlierRun };

/**
 * The request with its answers named by tool call. Answers that were given before come to the run that took them. They are
 * left out where the request also brings messages, and where that run was broken off: then the turn is taken up again.
 * `INVALID_ARGUMENT` in Letta's words when nothing waits, or when the answers are not for exactly the calls that wait.
 */
export async function checkAnswers(
  db: Queryable,
  { request, conversationId }: RunToMint,
): Promise<CheckedAnswers> {
  if (request.approvals === null) return { request };
  const pending = await findPendingApproval(db, conversationId);
  const approvals = pending ? nameCalls(request.approvals, pending) : request.approvals;
  if (pending && isAnswerTo(pending, approvals)) {
    checkClientCalls(pending, approvals);
    return { request: { ...request, approvals: await checkEdits(db, pending, approvals) } };
  }
  const given = await findGiven(db, conversationId, request.approvals);
  if (given) return takenBefore(request, given);
  if (!pending) throw new AppError('INVALID_ARGUMENT', NOTHING_WAITS);
  const expected = toPythonRepr(pending.toolCallIds);
  const received = toPythonRepr(approvals.map(({ toolCallId }) => toolCallId));
  throw new AppError(
    'INVALID_ARGUMENT',
    `Invalid tool call IDs. Expected '${expected}', but received '${received}'.`,
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
): Promise<GivenAnswer | null> {
  const names = answers.map(({ toolCallId }) => toolCallId);
  const given = (await lastAnswers(db, conversationId)).find(
    (answer) => isAnswerTo(answer, answers) || (names.length === 1 && names[0] === answer.requestId),
  );
  return given ?? null;
}

/** A turn that went on from these answers and was broken off is taken up again; any other one is what was asked for. */
function takenBefore(request: TurnRequest, { status, ...run }: GivenAnswer): CheckedAnswers {
  if (request.messages.length > 0) return { request: { ...request, approvals: null } };
  if (status !== 'cancelled' && status !== 'failed') return { earlier: run };
  return { request: { ...request, approvals: null, messages: [keepAlive()] } };
}

// As in the original, a message of the user's makes the model go on, and it is called a keep-alive there too.
const KEEP_ALIVE =
  '[keep-alive] The answers to your tool calls were taken already. Go on from their results.';
const keepAlive = (): InputMessage => {
  const id = newId('message');
  const otid = newId('message').slice('message-'.length);
  const parts = [{ type: 'text', text: KEEP_ALIVE }] as const;
  return { id, role: 'user', parts, name: null, otid, senderId: null };
};

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
