import { AppError } from '../../../domain/errors';
import type { ModelClient, ModelEvent, ModelReply, ModelRequest } from '../../../domain/model';

/** One call with its events. */
export async function call(
  client: ModelClient,
  request: ModelRequest,
  signal = AbortSignal.timeout(10_000),
): Promise<{ readonly reply: ModelReply; readonly events: readonly ModelEvent[] }> {
  const events: ModelEvent[] = [];
  const reply = await client.complete(request, { signal, onEvent: (event) => events.push(event) });
  return { reply, events };
}

/** The AppError a call ends with. */
export async function failure(promise: Promise<unknown>): Promise<AppError> {
  const outcome = await promise.then(
    () => new Error('the call did not fail'),
    (error: unknown) => error,
  );
  if (!(outcome instanceof AppError)) throw outcome;
  return outcome;
}
