import {
  ApplicationFailure,
  CancellationScope,
  ContinueAsNew,
  isCancellation,
  log,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { PlannedCall, ToolDone, ToolKey, TurnEnd, TurnInput } from '../domain/turn';
import { askAgents, listenForReplies, type Replies, tellCaller } from './ask-agents';
import { startExpiry } from './approval-expiry';
import { tellClosing } from './closing';
import { continueTurn } from './continue-turn';
import { failureCode, stopReasonOf } from './failure-code';
import { cancelTurn, messageWaiting } from './messages';
import { handOver } from './hand-over';
import {
  answerApproval,
  closeRun,
  compact,
  executeTool,
  findNextTurn,
  probeTool,
  settleTool,
} from './proxies';
import { takeStep } from './take-step';

/** One conversation turn: ask the model, run the tools it chose, until it is done; then the message that waits, if any. */
export async function agentTurn(turn: TurnInput): Promise<void> {
  const steps = new CancellationScope();
  const replies = listenForReplies();
  let hasNews = false;
  setHandler(messageWaiting, () => void (hasNews = true));
  setHandler(cancelTurn, (runId) => {
    if (runId === turn.runId) steps.cancel();
  });

  const end = await steps
    .run(() => runSteps(turn, replies))
    .catch((error: unknown) => closeFailed(turn, error));
  await CancellationScope.nonCancellable(async () => {
    if (end.caller !== undefined) await tellCaller(end.caller, turn.runId);
    if (end.wake) await handOver(end.wake);
    if (end.expiry) await startExpiry({ conversationId: turn.conversationId, ...end.expiry });
    let next = end.next;
    while (next === null && hasNews) {
      hasNews = false;
      next = await findNextTurn(turn.conversationId);
    }
    if (next) await continueTurn(next);
  });
  tellClosing();
}

async function runSteps(turn: TurnInput, replies: Replies): Promise<TurnEnd> {
  if (turn.isCompaction) return compactOnly(turn);
  if (turn.isAnswer && turn.step === undefined) {
    const answered = await answerApproval(turn.runId);
    if (answered.end) return answered.end;
    const { askedBy, step, calls } = answered;
    const stop = await runTools({ runId: turn.runId, askedBy, step, replies }, calls);
    if (stop) return stop;
  }
  for (let step = turn.step ?? 0; ; step++) {
    if (workflowInfo().continueAsNewSuggested) await continueTurn({ ...turn, step });
    const key = { runId: turn.runId, step };
    const { end, calls, isFull } = await takeStep(key);
    if (end) return end;
    const stop = await runTools({ ...key, replies }, calls);
    if (stop) return stop;
    if (isFull) await compact({ ...key, trigger: 'post_step_context_check', round: 0 });
  }
}

/** A run that a client sent to make the context smaller: it ends with that. */
async function compactOnly({ runId }: TurnInput): Promise<TurnEnd> {
  const { end } = await compact({ runId, step: 0, trigger: 'manual', round: 0 });
  if (!end) throw ApplicationFailure.nonRetryable('the compaction did not end its run', 'INTERNAL');
  return end;
}

/** The step whose calls are run; `askedBy` where another run made it. */
type Asked = Omit<ToolKey, 'index'> & { readonly replies: Replies };

/** Runs the calls of one reply in order; neighbours that allow it run side by side. */
async function runTools(step: Asked, calls: readonly PlannedCall[]): Promise<TurnEnd | undefined> {
  let end: TurnEnd | undefined;
  for (let at = 0; at < calls.length;) {
    const batch = nextBatch(calls.slice(at));
    for (const done of await Promise.all(batch.map((call) => runTool(step, call)))) end ??= done.end;
    at += batch.length;
  }
  return end;
}

function nextBatch(calls: readonly PlannedCall[]): readonly PlannedCall[] {
  const serial = calls.findIndex((call) => !call.parallel);
  if (serial === -1) return calls;
  return calls.slice(0, Math.max(serial, 1));
}

/** A call whose activity failed for good is closed with a truthful result, so that the transcript stays whole. */
async function runTool(asked: Asked, call: PlannedCall, isAgain = false): Promise<ToolDone> {
  const { replies, ...step } = asked;
  const key = { ...step, index: call.index };
  const work = call.asksAgents ? askAgents(key, replies) : executeTool(key, call);
  return work.catch(async (error: unknown) => {
    const code = codeUnlessCancelled(error);
    const settled = await settleTool({ ...key, code, ...(isAgain && { isAgain }) });
    if (settled.again) return runTool(asked, call, true);
    return settled.probe ? runProbed(key, call, code) : settled;
  });
}

/** A lost call whose tool can say what became of it: its answer counts; a call that did not act is run once more. */
async function runProbed(key: ToolKey, call: PlannedCall, code: string): Promise<ToolDone> {
  const probed = await probeTool(key).catch((error: unknown) => {
    codeUnlessCancelled(error);
    return { isUnknown: true } as const;
  });
  if (probed.isUnknown) return settleTool({ ...key, code, isProbed: true });
  if (!probed.again) return probed;
  return executeTool(key, call).catch((error: unknown) =>
    settleTool({ ...key, code: codeUnlessCancelled(error), isProbed: true }),
  );
}

function codeUnlessCancelled(error: unknown): string {
  const code = failureCode(error);
  if (isCancellation(error) || code === 'CANCELLED') throw error;
  return code;
}

async function closeFailed(turn: TurnInput, error: unknown): Promise<TurnEnd> {
  if (error instanceof ContinueAsNew) throw error;
  const code = isCancellation(error) ? 'CANCELLED' : failureCode(error);
  log.info('turn stopped early', { runId: turn.runId, code });
  return CancellationScope.nonCancellable(() =>
    closeRun({
      runId: turn.runId,
      conversationId: turn.conversationId,
      stopReason: stopReasonOf(code),
      code,
    }),
  );
}
