import {
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  setHandler,
} from '@temporalio/workflow';
import { LONGEST_WAIT_MS } from '../domain/agent-calls';
import { turnWorkflowId, type ToolDone, type ToolKey } from '../domain/turn';
import { failureCode } from './failure-code';
import { handOver } from './hand-over';
import { agentReplied, cancelTurn } from './messages';
import { cancelAgents, collectReplies, sendToAgents } from './proxies';

// A run that ends where no workflow has it (it was cancelled while it waited for its turn) tells nobody.
const FIRST_LOOK_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;

/** Hears of runs that are over. */
export interface Replies {
  /** Waits until all of these runs are over, at most so long, and forgets what it has heard of them. */
  wait(runIds: readonly string[], pauseMs: number): Promise<void>;
}

export function listenForReplies(): Replies {
  const heard = new Set<string>();
  setHandler(agentReplied, (runId) => void heard.add(runId));
  return {
    async wait(runIds, pauseMs) {
      await condition(() => runIds.every((runId) => heard.has(runId)), pauseMs);
      for (const runId of runIds) heard.delete(runId);
    },
  };
}

/**
 * A call that is a message to other agents: posts it, starts their turns, and waits for the end of them without holding
 * a worker. Whoever stops this turn stops the turns it waits for.
 */
export async function askAgents(key: ToolKey, replies: Replies): Promise<ToolDone> {
  try {
    const { turns, done } = await sendToAgents(key);
    // Posted is posted: a cancellation finds the runs started, and stops them.
    await CancellationScope.nonCancellable(() => Promise.all(turns.map(handOver)));
    if (done) return done;
    return await collect(key, replies, turns.map(({ runId }) => runId)); // prettier-ignore
  } catch (error) {
    if (isStopped(error)) await CancellationScope.nonCancellable(() => callOff(key));
    throw error;
  }
}

async function collect(key: ToolKey, replies: Replies, runIds: readonly string[]): Promise<ToolDone> {
  const startedAt = Date.now();
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    await replies.wait(runIds, pauseMs);
    const isLast = Date.now() - startedAt >= LONGEST_WAIT_MS;
    const { isPending, ...done } = await collectReplies({ ...key, ...(isLast && { isLast }) });
    if (isPending !== true) return done;
  }
}

const isStopped = (error: unknown): boolean =>
  isCancellation(error) || ['CANCELLED', 'SUPERSEDED'].includes(failureCode(error));

async function callOff(key: ToolKey): Promise<void> {
  for (const { runId, conversationId } of await cancelAgents(key)) {
    // A workflow that is not there any more has nothing to stop.
    await getExternalWorkflowHandle(turnWorkflowId(conversationId))
      .signal(cancelTurn, runId)
      .catch(() => undefined);
  }
}

/** Tells the turn that waits for this run. If it is gone nobody waits. */
export async function tellCaller(conversationId: string, runId: string): Promise<void> {
  await getExternalWorkflowHandle(turnWorkflowId(conversationId))
    .signal(agentReplied, runId)
    .catch(() => undefined);
}
