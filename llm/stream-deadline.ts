import { AppError } from '../domain/errors';
import { classifyError } from './classify-error';
import type { FailureContext } from './classify-error';
import { isRecord } from './is-record';

/** Passed to whoever reads the stream: `touch` on every event, `signal` to the provider's library. */
export interface StreamDeadline {
  readonly signal: AbortSignal;
  touch(): void;
}

/**
 * Runs one streamed call. It ends when the caller's signal fires (`CANCELLED`, or `MODEL_TIMEOUT` when that signal is
 * a timeout) or when nothing arrived for `idleTimeoutMs` (`MODEL_TIMEOUT`); every other failure is classified.
 * The libraries end an aborted stream silently or with errors of their own, so the reason is kept here.
 */
export async function withStreamDeadline<T>(
  options: { readonly signal: AbortSignal; readonly idleTimeoutMs: number; readonly failure: FailureContext },
  work: (deadline: StreamDeadline) => Promise<T>,
): Promise<T> {
  const { signal, idleTimeoutMs, failure } = options;
  const controller = new AbortController();
  let reason: AppError | undefined;
  const stop = (why: AppError): void => {
    reason ??= why;
    controller.abort();
  };
  const onAbort = (): void => {
    stop(abortError(signal, failure.label));
  };
  if (signal.aborted) throw abortError(signal, failure.label);
  signal.addEventListener('abort', onAbort, { once: true });
  const idle = setTimeout(() => {
    stop(
      new AppError(
        'MODEL_TIMEOUT',
        `${failure.label} sent nothing for ${idleTimeoutMs / 1000} s. Try again.`,
      ),
    );
  }, idleTimeoutMs);
  try {
    return await work({ signal: controller.signal, touch: () => idle.refresh() });
  } catch (error) {
    throw reason ?? classifyError(error, failure);
  } finally {
    clearTimeout(idle);
    signal.removeEventListener('abort', onAbort);
  }
}

function abortError(signal: AbortSignal, label: string): AppError {
  const reason: unknown = signal.reason;
  if (reason instanceof AppError) return reason;
  if (isRecord(reason) && reason['name'] === 'TimeoutError') {
    return new AppError('MODEL_TIMEOUT', `${label} did not finish within the time of this call. Try again.`);
  }
  return new AppError('CANCELLED', `The call to ${label} was cancelled.`);
}
