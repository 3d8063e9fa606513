import { isRunOver, loadRunResult, type RunResult } from '../db/runs';
import { outlastRestart } from '../db/outlast-restart';
import { toAppError } from '../domain/run-error';
import type { ApiDeps } from './deps';
import { subscribe } from './run-news';

// Notices wake at once; this poll only covers a lost connection to Postgres.
const SAFETY_POLL_MS = 5_000;

/**
 * Waits until the run is over and returns what it came to. A run that failed throws its own error: the same code from
 * the provider to the client. Listens from the call on, so call it before the run starts.
 */
export async function awaitRunResult(
  { db, watcher }: Pick<ApiDeps, 'db' | 'watcher'>,
  runId: string,
): Promise<RunResult> {
  const news = subscribe(watcher, runId);
  try {
    for (;;) {
      const { isEnd } = await news.next(SAFETY_POLL_MS);
      if (isEnd || (await outlastRestart(() => isRunOver(db, runId)))) break;
    }
  } finally {
    news.close();
  }
  const result = await outlastRestart(() => loadRunResult(db, runId));
  if (result.run.status === 'failed' && result.run.error) throw toAppError(result.run.error);
  return result;
}
