import { Context } from '@temporalio/activity';
import { AppError } from '../domain/errors';
import type { Cancellations } from './deps';

/**
 * Runs `work` with a signal that aborts when the run is cancelled (told by Postgres at once, by Temporal at the next
 * heartbeat), when another attempt took over (unless it `isOnly` one), or when this worker goes away. `signal.reason` is the
 * `AppError` to end the attempt with.
 */
export async function withAbort<T>(
  cancellations: Cancellations,
  runId: string,
  work: (abort: AbortController) => Promise<T>,
  { isOnly = false }: { readonly isOnly?: boolean } = {},
): Promise<T> {
  const abort = new AbortController();
  const cancelled = () => abort.abort(new AppError('CANCELLED', `run ${runId} was cancelled`));
  const context = Context.current();
  const stopped = () => {
    const details = context.cancellationDetails;
    if (details?.workerShutdown) abort.abort(new AppError('UNAVAILABLE', 'this worker is shutting down'));
    else if (details?.cancelRequested) cancelled();
    else if (!isOnly) abort.abort(new AppError('SUPERSEDED', 'another attempt took over'));
  };
  context.cancellationSignal.addEventListener('abort', stopped);
  const unwatch = cancellations.watch(runId, cancelled);
  try {
    return await work(abort);
  } finally {
    unwatch();
    context.cancellationSignal.removeEventListener('abort', stopped);
  }
}
