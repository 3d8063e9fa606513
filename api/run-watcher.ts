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
  const watchers = new Map<string, Set<(isEnd: boolean) => void>>();
  return {
    watch(runId, onNews) {
      const set = watchers.get(runId) ?? new Set();
      watchers.set(runId, set.add(onNews));
      return () => {
        set.delete(onNews);
        if (set.size === 0 && watchers.get(runId) === set) watchers.delete(runId);
      };
    },
    notify(payload) {
      const [runId = '', end] = payload.split(' ');
      for (const onNews of watchers.get(runId) ?? []) onNews(end === 'end');
    },
    wakeAll() {
      for (const set of watchers.values()) for (const onNews of set) onNews(false);
    },
  };
}
