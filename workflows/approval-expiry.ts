import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  getExternalWorkflowHandle,
  ParentClosePolicy,
  sleep,
  startChild,
  workflowInfo,
} from '@temporalio/workflow';
import {
  expiryWorkflowId,
  TURN_WORKFLOW,
  turnWorkflowId,
  type ExpiryInput,
  type TurnInput,
} from '../domain/turn';
import { turnAttributes } from '../domain/turn-attributes';
import type { agentTurn } from './agent-turn';
import { messageWaiting } from './messages';
import { expireApproval } from './proxies';

/**
 * Waits for an approval request to expire and then answers it, as a run of its own. An answer of a human leaves the
 * timer as it is: when it fires nothing waits any more.
 */
export async function approvalExpiry({ messageId, afterSeconds }: ExpiryInput): Promise<void> {
  await sleep(afterSeconds * 1000);
  const turn = await expireApproval(messageId);
  if (turn) await handOver(turn);
}

/** Starts the wait that outlives the turn. One that is under way already stays the only one. */
export async function startExpiry(input: ExpiryInput): Promise<void> {
  try {
    await startChild<typeof approvalExpiry>('approvalExpiry', {
      workflowId: expiryWorkflowId(input.messageId),
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** Makes sure that a workflow takes the run: a fresh one, or the one that is busy with the conversation. */
async function handOver(turn: TurnInput): Promise<void> {
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
    if ((await tryStart(turn)) || (await tell(turn))) return;
    // The busy workflow closed between the two.
    await sleep(pauseMs);
  }
}

async function tryStart(turn: TurnInput): Promise<boolean> {
  const { typedSearchAttributes } = workflowInfo();
  try {
    await startChild<typeof agentTurn>(TURN_WORKFLOW, {
      workflowId: turnWorkflowId(turn.conversationId),
      args: [turn],
      memo: turnAttributes(turn),
      typedSearchAttributes,
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
    return true;
  } catch (error) {
    if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
    throw error;
  }
}

async function tell(turn: TurnInput): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(turnWorkflowId(turn.conversationId)).signal(messageWaiting);
    return true;
  } catch {
    // Only a workflow that is not there refuses a signal.
    return false;
  }
}
