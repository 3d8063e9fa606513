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
  /** News of another run counts from now on as well, and now: there may have been some already. */
  follow(runId: string): void;
  close(): void;
}

/** Starts listening at once: subscribe before the first look at the tables. */
export function subscribe(watcher: RunWatcher, runId: string): RunNewsQueue {
  let hasNews = false;
  let isEnd = false;
  let wake: (() => void) | undefined;
  const onNews = (end: boolean): void => {
    hasNews = true;
    isEnd ||= end;
    wake?.();
  };
  const watched = new Map([[runId, watcher.watch(runId, onNews)]]);
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
    follow(other) {
      if (watched.has(other)) return;
      watched.set(other, watcher.watch(other, onNews));
      onNews(false);
    },
    close: () => watched.forEach((unwatch) => unwatch()),
  };
}
