/** Who waits for news of what. In memory and per process: news must come from outside. */
export interface Watchers<News> {
  /** Calls `onNews` for every news of `key` until the returned function is called. */
  watch(key: string, onNews: (news: News) => void): () => void;
  notify(key: string, news: News): void;
  /** Tells everyone, whatever they watch. */
  notifyAll(news: News): void;
}

export function createWatchers<News>(): Watchers<News> {
  const watchers = new Map<string, Set<(news: News) => void>>();
  const tell = (set: ReadonlySet<(news: News) => void>, news: News) => {
    for (const onNews of set) onNews(news);
  };
  return {
    watch(key, onNews) {
      const set = watchers.get(key) ?? new Set();
      watchers.set(key, set.add(onNews));
      return () => {
        set.delete(onNews);
        if (set.size === 0 && watchers.get(key) === set) watchers.delete(key);
      };
    },
    notify: (key, news) => tell(watchers.get(key) ?? new Set(), news),
    notifyAll(news) {
      for (const set of watchers.values()) tell(set, news);
    },
  };
}
