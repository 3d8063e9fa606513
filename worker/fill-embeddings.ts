/** Computes what vectors are missing, whenever it is told of some and every few seconds anyway. */
export interface EmbeddingFiller {
  /** There may be something to do. */
  wake(): void;
  /** Resolves when the batch in hand is given up or stored. */
  stop(): Promise<void>;
}

const INTERVAL_MS = 5_000;
const PRUNE_MS = 3_600_000;

/**
 * Runs `fill` until it finds nothing, then waits to be woken. Vectors are made outside of the turns that wrote the passages,
 * so that no turn waits for an embedding model.
 */
export function startEmbeddingFiller({
  fill,
  prune,
  onError,
}: {
  /** One batch; false when there was none. */
  readonly fill: (signal: AbortSignal) => Promise<boolean>;
  readonly prune: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}): EmbeddingFiller {
  const stopped = new AbortController();
  let isAwake = false;
  let hasNews = false;
  let working: Promise<void> = Promise.resolve();

  const canGoOn = () => !stopped.signal.aborted;

  async function work(): Promise<void> {
    while (hasNews && canGoOn()) {
      hasNews = false;
      while (canGoOn() && (await fill(stopped.signal)));
    }
  }

  function wake(): void {
    hasNews = true;
    if (isAwake || stopped.signal.aborted) return;
    isAwake = true;
    working = work()
      .catch(onError)
      .finally(() => (isAwake = false));
  }

  const timer = setInterval(wake, INTERVAL_MS);
  const pruner = setInterval(() => void prune().catch(onError), PRUNE_MS);
  timer.unref();
  pruner.unref();
  wake();
  return {
    wake,
    async stop() {
      clearInterval(timer);
      clearInterval(pruner);
      stopped.abort();
      await working;
    },
  };
}
