import { McpFailure } from './failures';

/** What a server may send: so much in one message, and so much in a while. */
export interface FloodLimits {
  readonly messageBytes: number;
  readonly windowBytes: number;
  readonly windowMessages: number;
  readonly windowMs: number;
}
export const FLOOD_LIMITS: FloodLimits = {
  messageBytes: 10_000_000,
  windowBytes: 25_000_000,
  windowMessages: 20_000,
  windowMs: 10_000,
};

const flood = (): McpFailure => new McpFailure('lost', 'it sent more than can be read');

/** Counts up to `limit` in a window of time; throws beyond. */
export function createWindow(limit: number, windowMs: number): (amount: number) => void {
  let count = 0;
  let since = Date.now();
  return (amount) => {
    const now = Date.now();
    if (now - since > windowMs) [count, since] = [0, now];
    count += amount;
    if (count > limit) throw flood();
  };
}

/**
 * The body as it comes, until the server sends too much. `onEnd` hears when nothing more comes, whether it was closed
 * or broke.
 */
export function metered(
  body: ReadableStream<Uint8Array>,
  limits: FloodLimits,
  onEnd: () => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const count = createWindow(limits.windowBytes, limits.windowMs);
  let unbroken = 0;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          controller.close();
          onEnd();
          return;
        }
        count(value.length);
        unbroken = lengthAfterBlank(value, unbroken);
        if (unbroken > limits.messageBytes) throw flood();
        controller.enqueue(value);
      } catch (error) {
        controller.error(error);
        onEnd();
        await reader.cancel().catch(() => undefined); // It may be the reader that broke.
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

// Events of a stream end with an empty line; a JSON body is one message.
function lengthAfterBlank(chunk: Uint8Array, before: number): number {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  const at = Math.max(bytes.lastIndexOf('\n\n'), bytes.lastIndexOf('\n\r\n'));
  return at === -1 ? before + chunk.length : chunk.length - at;
}
