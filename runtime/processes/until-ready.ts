import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../domain/errors';
import type { Launched } from './launch';

export interface Readiness {
  /** As the operator knows it, for the error. */
  readonly what: string;
  readonly launched: Launched;
  readonly isReady: () => Promise<boolean>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Waits until a launched process answers. Throws when it ends first, takes too long, or `signal` aborts. */
export async function untilReady({ what, launched, isReady, timeoutMs, signal }: Readiness): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isReady())) {
    const { exit } = launched;
    if (exit)
      throw new AppError('UNAVAILABLE', withLog(`${what} ended while starting (${exit.reason})`, launched));
    if (Date.now() > deadline) {
      throw new AppError(
        'UNAVAILABLE',
        withLog(`${what} did not answer within ${timeoutMs / 1000} s`, launched),
      );
    }
    await sleep(15, undefined, { signal });
  }
}

function withLog(sentence: string, launched: Launched): string {
  const tail = launched.logTail();
  return tail ? `${sentence}. It wrote:\n${tail}` : `${sentence}.`;
}
