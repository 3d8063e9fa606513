import { Context } from '@temporalio/activity';

const INTERVAL_MS = 400;

/**
 * Runs `work` while a timer says from the first moment on that this worker lives. Heartbeats mean "the process is
 * there", not "the work advances", so slow models and stalled databases are not taken for dead workers.
 */
export async function withHeartbeat<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
