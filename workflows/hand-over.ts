import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { getExternalWorkflowHandle, ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';
import { TURN_WORKFLOW, turnWorkflowId, type TurnInput } from '../domain/turn';
import { turnAttributes } from '../domain/turn-attributes';
import type { agentTurn } from './agent-turn';
import { messageWaiting } from './messages';
import { searchAttributesOf } from './search-attributes';

/** Makes sure that a workflow takes the run: a fresh one, or the one that is busy with the conversation. */
export async function handOver(turn: TurnInput): Promise<void> {
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 5_000)) {
    if ((await tryStart(turn)) || (await tell(turn))) return;
    // The busy workflow closed between the two.
    await sleep(pauseMs);
  }
}

async function tryStart(turn: TurnInput): Promise<boolean> {
  try {
    await startChild<typeof agentTurn>(TURN_WORKFLOW, {
      workflowId: turnWorkflowId(turn.conversationId),
      args: [turn],
      memo: turnAttributes(turn),
      ...searchAttributesOf(turn),
      workflowTaskTimeout: '2s',
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
