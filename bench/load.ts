import { TIME_LIMIT_MS, turnLimit, type Cell } from './cells';

export interface Load {
  /** Milliseconds of each turn that was answered, in ascending order. */
  readonly latencies: readonly number[];
  readonly errors: readonly string[];
  readonly seconds: number;
}

/** Lets the cell's callers take turn after turn until enough are done; a failed turn is counted and not timed. */
export async function applyLoad(
  cell: Cell,
  takeTurn: (caller: number, turn: number) => Promise<void>,
): Promise<Load> {
  const latencies: number[] = [];
  const errors: string[] = [];
  const startedAt = performance.now();
  let left = turnLimit(cell);

  async function call(caller: number): Promise<void> {
    for (let turn = 0; left > 0 && performance.now() - startedAt < TIME_LIMIT_MS; turn++) {
      left -= 1;
      const sentAt = performance.now();
      try {
        await takeTurn(caller, turn);
        latencies.push(performance.now() - sentAt);
      } catch (error) {
        errors.push(error instanceof Error ? error.message : String(error));
      }
    }
  }

  await Promise.all(Array.from({ length: cell.callers }, (_, caller) => call(caller)));
  const seconds = (performance.now() - startedAt) / 1000;
  return { latencies: latencies.sort((a, b) => a - b), errors, seconds };
}

/** The value below which the share `q` of ascending values lies. */
export function quantile(ascending: readonly number[], q: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(q * ascending.length))] ?? Number.NaN;
}

/** Half of the times lie below the one, 95 of 100 below the other. */
export interface Quantiles {
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** The quantiles of times in any order. */
export function quantilesOf(times: readonly number[]): Quantiles {
  const ascending = [...times].sort((a, b) => a - b);
  return { p50Ms: quantile(ascending, 0.5), p95Ms: quantile(ascending, 0.95) };
}
