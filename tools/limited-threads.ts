import { Worker } from 'node:worker_threads';
import { createFairQueue } from '../domain/fair-queue';

export interface ThreadLimits {
  /** Compiled entry of the thread: it finds its input in `workerData` and posts one answer. */
  readonly entry: string;
  readonly timeoutMs: number;
  readonly maxThreads: number;
}

/** A thread that brought no answer. */
export class ThreadError extends Error {
  override readonly name = 'ThreadError';
  constructor(
    /** Whether its time was over. */
    readonly isTooSlow: boolean,
    cause: unknown,
  ) {
    super(isTooSlow ? 'the thread took too long' : 'the thread failed', { cause });
  }
}

/**
 * Runs each input in a thread of its own, so that a stranger's input can neither hold up this process nor take its memory: time and
 * memory of a thread are limited, and so is their number. Rejects with a `ThreadError`, or with the signal's reason.
 */
export function createLimitedThreads<Answer>({ entry, timeoutMs, maxThreads }: ThreadLimits) {
  const inTurn = createFairQueue(maxThreads);
  return (input: unknown, signal?: AbortSignal): Promise<Answer> =>
    inTurn(async () => {
      signal?.throwIfAborted();
      const tooSlow = AbortSignal.timeout(timeoutMs);
      try {
        return await runThread<Answer>(entry, input, signal ? AbortSignal.any([signal, tooSlow]) : tooSlow);
      } catch (cause) {
        signal?.throwIfAborted();
        throw new ThreadError(tooSlow.aborted, cause);
      }
    });
}

function runThread<Answer>(entry: string, input: unknown, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(entry, {
      workerData: input,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    });
    // Settles with the exit below, so that a place is free only once its thread is gone.
    const stop = () => void thread.terminate();
    signal.addEventListener('abort', stop, { once: true });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => {
      signal.removeEventListener('abort', stop);
      reject(new Error('the thread ended without an answer'));
    });
  });
}
