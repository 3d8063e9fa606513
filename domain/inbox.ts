import type { InputMessage } from './turn-request';

/**
 * What becomes of a message that meets a turn in progress (the names are LangGraph's, `steer` is our own): refused,
 * taken after it, read by it at its next step, taken after stopping it with its work kept, or in its place.
 */
export const MULTITASK_STRATEGIES = ['reject', 'enqueue', 'steer', 'interrupt', 'rollback'] as const;
export type MultitaskStrategy = (typeof MULTITASK_STRATEGIES)[number];

/** A message that a turn in progress has taken in, and the run it was sent as. */
export interface SteeredInput {
  readonly runId: string;
  readonly messages: readonly InputMessage[];
}
