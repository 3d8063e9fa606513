/** Runs `work` when one of its places is free; whoever came first goes first. */
export type FairQueue = <T>(work: () => Promise<T>) => Promise<T>;

/** A queue that has so many things under way at a time, so that those behind it meet no crowd. */
export function createFairQueue(places: number): FairQueue {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The place is handed on, never put back while somebody waits: nobody overtakes.
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
