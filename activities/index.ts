import { Context } from '@temporalio/activity';
import { AppError } from '../domain/errors';
import type { CloseRunInput, ToolKey } from '../domain/turn';
import type { ActivityDeps } from './deps';
import { createCollectReplies, createSendToAgents } from './ask-agents';
import { createCallModel } from './call-model';
import { createCompact } from './compact';
import { createExecuteTool } from './execute-tool';
import { createProbeTool } from './probe-tool';
import { createReembedBatch } from './reembed-batch';
import { createRunToolByHand } from './run-tool-by-hand';
import { createSettleTool } from './settle-tool';
import { checkPayload, toFailure } from './failures';
import { withHeartbeat } from './heartbeat';

/** All activities, over the ports they need. Failures are logged here and cross to Temporal as codes. */
export function createActivities(deps: ActivityDeps) {
  const { turns } = deps;
  return {
    callModel: asActivity(createCallModel(deps), { givesUp: true }),
    compact: asActivity(createCompact(deps), { givesUp: true }),
    executeTool: asActivity(createExecuteTool(deps), { givesUp: true }),
    runToolByHand: asActivity(createRunToolByHand(deps)),
    nextUndo: asActivity((runId: string) => deps.toolRuns.nextUndo(runId)),
    answerApproval: asActivity((runId: string) => turns.answerApproval(runId)),
    expireApproval: asActivity((messageId: string) => turns.expireApproval(messageId)),
    settleTool: asActivity(createSettleTool(deps)),
    probeTool: asActivity(createProbeTool(deps)),
    sendToAgents: asActivity(createSendToAgents(deps)),
    collectReplies: asActivity(createCollectReplies(deps)),
    cancelAgents: asActivity((key: ToolKey) => deps.agentCalls.cancel(key)),
    closeRun: asActivity((input: CloseRunInput) => turns.closeRun(input)),
    reembedBatch: asActivity(createReembedBatch(deps)),
    findNextTurn: asActivity((conversationId: string) => turns.findNextTurn(conversationId)),
  };
}
export type Activities = ReturnType<typeof createActivities>;

/** `givesUp`: an attempt that fails for a reason that stays is not repeated for ever; others must happen whatever failed. */
function asActivity<Input, Output>(
  work: (input: Input) => Promise<Output>,
  { givesUp = false }: { readonly givesUp?: boolean } = {},
): (input: Input) => Promise<Output> {
  return (input) =>
    withHeartbeat(() => work(input))
      .then(checkPayload)
      .catch((error: unknown) => {
        const { info, log } = Context.current();
        // Somebody wanted a cancelled one to end.
        const level = error instanceof AppError && error.code === 'CANCELLED' ? 'debug' : 'warn';
        log[level]('activity failed', { attempt: info.attempt, error });
        throw toFailure(error, { attempt: info.attempt, givesUp });
      });
}
