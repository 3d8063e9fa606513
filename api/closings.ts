import { setTimeout as sleep } from 'node:timers/promises';
import { createWatchers } from '../domain/watchers';

/**
 * When the workflow behind a turn that has ended is closed. A caller has its answer some milliseconds before, and a start
 * under the same id that comes too early fails and holds the closing up.
 */
export interface Closings {
  /** Told by the worker of this process: the workflow's last task is done, and Temporal hears of it now. */
  readonly tell: (workflowId: string) => void;
  /**
   * Resolves when a workflow whose run ended so many milliseconds ago is closed, as far as this process knows: it was told,
   * or the time is over in which all of them close. Another process's worker tells nothing here.
   */
  readonly wait: (workflowId: string, endedMsAgo: number) => Promise<void>;
}

const CLOSING_MS = 20;
/** How long a closing is remembered for those who ask later. */
const KEPT_MS = 1_000;

export function createClosings(): Closings {
  const watchers = createWatchers<undefined>();
  const toldAt = new Map<string, number>(); // in the order of the telling

  function forgetOld(now: number): void {
    for (const [workflowId, at] of toldAt) {
      if (now - at < KEPT_MS) return;
      toldAt.delete(workflowId);
    }
  }

  return {
    tell(workflowId) {
      const now = performance.now();
      forgetOld(now);
      toldAt.delete(workflowId);
      toldAt.set(workflowId, now);
      watchers.notify(workflowId, undefined);
    },
    async wait(workflowId, endedMsAgo) {
      const at = toldAt.get(workflowId);
      const isClosed = at !== undefined && performance.now() - at <= endedMsAgo;
      if (isClosed || endedMsAgo >= CLOSING_MS) return;
      const told = new AbortController();
      const unwatch = watchers.watch(workflowId, () => told.abort());
      await sleep(CLOSING_MS - endedMsAgo, undefined, { signal: told.signal }).catch(() => undefined);
      unwatch();
    },
  };
}
