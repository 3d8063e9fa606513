import type { Cancellations } from '../activities/deps';
import { createWatchers } from '../domain/watchers';

/** Cancelled runs as this process hears of them from Postgres, handed to the activities that hold them. */
export interface CancelledRuns extends Cancellations {
  notify(runId: string): void;
}

/** Nothing is cancelled until `notify` is fed with what Postgres tells. */
export function createCancelledRuns(): CancelledRuns {
  const watchers = createWatchers<undefined>();
  return {
    watch: (runId, onCancel) => watchers.watch(runId, onCancel),
    notify: (runId) => watchers.notify(runId, undefined),
  };
}
