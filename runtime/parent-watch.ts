import type { Environment } from '../config';

/**
 * Calls back when npm, which started us, is gone: npm that is killed leaves its script running without a terminal that
 * could stop it. Does nothing when npm did not start us. Returns how to stop watching.
 */
export function parentWatch(env: Environment, onGone: () => void): () => void {
  if (!env['npm_lifecycle_event']) return () => undefined;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid !== parent) onGone();
  }, 500);
  timer.unref();
  return () => clearInterval(timer);
}
