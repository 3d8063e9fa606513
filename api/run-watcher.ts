import { createWatchers } from '../domain/watchers';

/** Wakes whoever waits for news of a run. News says only "look at the tables"; `isEnd` that the run is over. */
export interface RunWatcher {
  /** Calls `onNews` on every change until the returned function is called. */
  watch(runId: string, onNews: (isEnd: boolean) => void): () => void;
}

/** A watcher fed by the process's one LISTEN connection. */
export interface RunNews extends RunWatcher {
  /** A notice's payload: `runId`, or `runId end`. */
  notify(payload: string): void;
  /** Notices may have been lost: everyone looks again. */
  wakeAll(): void;
}

/** A watcher without a feed: hand it what the LISTEN connection hears. */
export function createRunWatcher(): RunNews {
  const watchers = createWatchers<boolean>();
  return {
    watch: (runId, onNews) => watchers.watch(runId, onNews),
    notify(payload) {
      const [runId = '', end] = payload.split(' ');
      watchers.notify(runId, end === 'end');
    },
    wakeAll: () => watchers.notifyAll(false),
  };
}
