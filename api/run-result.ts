import { isRunOver, loadRunResult, type RunResult } from '../db/runs';
import { outlastRestart } from '../db/outlast-restart';
import { AppError } from '../domain/errors';
import type { ApiDeps } from './deps';
import { subscribe } from './run-news';

// Notices wake at once; this poll only covers a lost connection to Postgres.
const SAFETY_POLL_MS = 5_000;

export interface RunToAwait {
  readonly runId: string;
  /** The run was just stored, so it can't be over: nothing is read before there is news of it. */
  readonly isFresh: boolean;
  /** Aborted when nobody waits for the result any more. */
  readonly gone: AbortSignal;
}

/**
 * Waits until the run is over and returns what it came to, also when it failed; null when `gone` says so.
 * Listens from the call on, so call it before the run starts. A run that was taken back, because no
 * workflow could be started for it, is `UNAVAILABLE`.
 */
export async function awaitRunResult(
  { db, watcher }: Pick<ApiDeps, 'db' | 'watcher'>,
  { runId, isFresh, gone }: RunToAwait,
): Promise<RunResult | null> {
  const isRunEnded = (): Promise<boolean> => outlastRestart(() => isRunOver(db, runId));
  const news = subscribe(watcher, runId);
  try {
    let isOver = !isFresh && (await isRunEnded());
    while (!isOver) {
      const { isEnd } = await news.next(SAFETY_POLL_MS, gone);
      if (gone.aborted) return null;
      isOver = isEnd || (await isRunEnded());
    }
  } finally {
    news.close();
  }
  return outlastRestart(() => loadRunResult(db, runId)).catch((error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'NOT_FOUND') throw error;
    throw new AppError(
      'UNAVAILABLE',
      `Run ${runId} was taken back before it began; send the message again.`,
      {
        cause: error,
      },
    );
  });
}
