import { findPendingApproval } from '../db/approvals';
import type { RunToMint } from '../db/mint-run';
import type { Queryable } from '../db/pool';
import { AppError } from '../domain/errors';
import { toPythonRepr } from '../domain/python-repr';
import { EVERY_CALL, type TurnRequest } from '../domain/turn-request';

const NOTHING_WAITS =
  'Cannot process approval response: No tool call is currently awaiting approval. ' +
  'Please send a regular message to interact with the agent.';

/**
 * The request with its answers named by tool call. `INVALID_ARGUMENT` in Letta's words when nothing waits, or when the
 * answers are not for exactly the calls that wait.
 */
export async function checkAnswers(
  db: Queryable,
  { request, conversationId }: RunToMint,
): Promise<TurnRequest> {
  if (request.approvals === null) return request;
  const pending = await findPendingApproval(db, conversationId);
  if (!pending) throw new AppError('INVALID_ARGUMENT', NOTHING_WAITS);
  const approvals = request.approvals.flatMap((answer) =>
    answer.toolCallId === EVERY_CALL
      ? pending.toolCallIds.map((toolCallId) => ({ ...answer, toolCallId }))
      : [answer],
  );
  const given = approvals.map(({ toolCallId }) => toolCallId);
  const isExact =
    given.length === pending.toolCallIds.length && pending.toolCallIds.every((id) => given.includes(id));
  if (isExact) return { ...request, approvals };
  const expected = toPythonRepr(pending.toolCallIds);
  throw new AppError(
    'INVALID_ARGUMENT',
    `Invalid tool call IDs. Expected '${expected}', but received '${toPythonRepr(given)}'.`,
  );
}
