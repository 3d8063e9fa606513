import { defineSignal } from '@temporalio/workflow';

/** Sent after a run was stored for a conversation whose workflow is busy: the row is there before the signal. */
export const messageWaiting = defineSignal('messageWaiting');
/** Stops the named run if it is the one in progress; ignored otherwise. */
export const cancelTurn = defineSignal<[runId: string]>('cancelTurn');
/** Says that the run that answers a call of this conversation's agent is over. */
export const agentReplied = defineSignal<[runId: string]>('agentReplied');
