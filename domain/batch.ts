import type { RunStatus } from './run';

/** Messages to many agents that were sent at once, and what became of them so far. */
export interface Batch {
  readonly id: string;
  readonly createdAt: Date;
  /** When the last of its runs ended, or it was cancelled; null before. */
  readonly completedAt: Date | null;
  readonly status: RunStatus;
  /** How many of its runs are in each state. */
  readonly counts: Readonly<Partial<Record<RunStatus, number>>>;
  readonly callbackUrl: string | null;
  readonly callbackSentAt: Date | null;
  readonly callbackStatusCode: number | null;
  readonly callbackError: string | null;
}

/** How many runs of batches are in progress at a time, so that those who wait for an answer find a server that has time. */
export const BATCH_RUNS_AT_A_TIME = 8;
