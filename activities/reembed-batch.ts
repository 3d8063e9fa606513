import { AppError } from '../domain/errors';
import { Context } from '@temporalio/activity';
import type { ReembedInput, ReembedProgress } from '../domain/reembed';
import type { ActivityDeps } from './deps';

/** Gives the next passages of an archive their vectors of its new model. Repeating a stored batch changes nothing. */
export function createReembedBatch({ reembeds }: Pick<ActivityDeps, 'reembeds'>) {
  return ({ reembedId }: ReembedInput): Promise<ReembedProgress> => {
    const { cancellationSignal } = Context.current();
    const stopped = new AbortController();
    cancellationSignal.addEventListener('abort', () =>
      stopped.abort(new AppError('UNAVAILABLE', 'this worker is shutting down')),
    );
    return reembeds.embedNext(reembedId, stopped.signal);
  };
}
