import type { RunEvent } from '../domain/run-event';

const FLUSH_MS = 30;

/**
 * Collects deltas and hands them on every 30 ms, one write at a time and in order. A write that fails stops the
 * attempt through `onError`. `rest()` ends it and returns what was not written, to be stored with the reply.
 */
export function createDeltaWriter(
  write: (events: readonly RunEvent[], batch: number) => Promise<void>,
  onError: (error: unknown) => void,
) {
  let waiting: RunEvent[] = [];
  let writing: Promise<void> = Promise.resolve();
  let isIdle = true;
  let batch = 0;
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    timer = undefined;
    if (!isIdle || waiting.length === 0) return;
    const events = waiting;
    waiting = [];
    isIdle = false;
    batch += 1;
    writing = write(events, batch)
      .catch(onError)
      .finally(() => {
        isIdle = true;
        if (waiting.length > 0) timer ??= setTimeout(flush, FLUSH_MS);
      });
  }

  return {
    push(event: RunEvent): void {
      const isFirst = waiting.length === 0 && isIdle;
      waiting.push(event);
      timer ??= setTimeout(flush, isFirst ? 0 : FLUSH_MS);
    },
    async rest(): Promise<readonly RunEvent[]> {
      clearTimeout(timer);
      await writing;
      clearTimeout(timer);
      return waiting;
    },
  };
}
