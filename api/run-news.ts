import { setTimeout as sleep } from 'node:timers/promises';
import type { RunWatcher } from './run-watcher';

/** One watcher's view of a run: remembers news that came while it was busy, so that none is missed. */
export interface RunNewsQueue {
  /**
   * Resolves when there is news, after `timeoutMs`, or when `gone` is aborted, whichever is first. News since the last
   * call counts.
   */
  next(
    timeoutMs: number,
    gone?: AbortSignal,
  ): Promise<{ readonly isEnd: boolean; readonly isTimeout: boolean }>;
  close(): void;
}

/** Starts listening at once: subscribe before the first look at the tables. */
export function subscribe(watcher: RunWatcher, runId: string): RunNewsQueue {
  let hasNews = false;
  let isEnd = false;
  let wake: (() => void) | undefined;
  const unwatch = watcher.watch(runId, (end) => {
    hasNews = true;
    isEnd ||= end;
    wake?.();
  });
  return {
    async next(timeoutMs, gone) {
      if (!hasNews) {
        const timer = new AbortController();
        const signal = gone ? AbortSignal.any([timer.signal, gone]) : timer.signal;
        const woken = new Promise<void>((resolve) => (wake = resolve));
        await Promise.race([woken, sleep(timeoutMs, undefined, { signal }).catch(() => undefined)]);
        timer.abort();
        wake = undefined;
      }
      const isTimeout = !hasNews;
      hasNews = false;
      return { isEnd, isTimeout };
    },
    close: unwatch,
  };
}
