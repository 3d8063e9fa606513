import { AppError } from '../../domain/errors';
import { toolError } from '../../domain/tool-failure';

/** What went wrong on the way to a server, as a tool error. `signals` are those the request listened to. */
export function webFailure(
  error: unknown,
  {
    place,
    cancelled,
    timedOut,
  }: { readonly place: string; readonly cancelled: AbortSignal; readonly timedOut: AbortSignal },
): Error {
  if (cancelled.aborted)
    return new AppError('CANCELLED', `The request to ${place} was cancelled.`, { cause: error });
  if (timedOut.aborted) {
    return toolError(
      'TimeoutError',
      `${place} did not answer in time. Try again later or use another source.`,
      { cause: error },
    );
  }
  if (error instanceof AppError) return error;
  return toolError('ConnectionError', `${place} could not be reached (${reasonOf(error)}).`, {
    cause: error,
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the host name does not exist',
  EAI_AGAIN: 'the host name could not be looked up',
  ECONNREFUSED: 'the server refuses connections',
  ECONNRESET: 'the server closed the connection',
  ETIMEDOUT: 'the server does not respond',
};

// The code alone: messages of HTTP clients may quote headers, and those hold keys. fetch hides the code in the cause.
function reasonOf(error: unknown): string {
  const code = textAt(error, 'code') ?? textAt(valueAt(error, 'cause'), 'code');
  return code === null ? 'the connection failed' : (REASONS[code] ?? code);
}

const valueAt = (object: unknown, key: string): unknown =>
  typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[key] : null;

function textAt(object: unknown, key: string): string | null {
  const value = valueAt(object, key);
  return typeof value === 'string' ? value : null;
}
