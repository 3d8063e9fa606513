import type { Cancellations } from '../activities/deps';

/** Cancelled runs as this process hears of them from Postgres, handed to the activities that hold them. */
export interface CancelledRuns extends Cancellations {
  notify(runId: string): void;
}

/** Nothing is cancelled until `notify` is fed with what Postgres tells. */
export function createCancelledRuns(): CancelledRuns {
  const watchers = new Map<string, Set<() => void>>();
  return {
    watch(runId, onCancel) {
      const set = watchers.get(runId) ?? new Set();
      watchers.set(runId, set.add(onCancel));
      return () => {
        set.delete(onCancel);
        if (set.size === 0 && watchers.get(runId) === set) watchers.delete(runId);
      };
    },
    notify(runId) {
      for (const onCancel of watchers.get(runId) ?? []) onCancel();
    },
  };
}
