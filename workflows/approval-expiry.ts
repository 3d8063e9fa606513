import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';
import { expiryWorkflowId, type ExpiryInput } from '../domain/turn';
import { handOver } from './hand-over';
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
