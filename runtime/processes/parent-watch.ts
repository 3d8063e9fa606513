import type { Environment } from '../../config';
import { parentOf } from './process-identity';

/**
 * Calls back when npm, which started us, is gone: npm that is killed leaves its script running without anybody who could
 * stop it. Does nothing when npm did not start us. Returns how to stop watching.
 */
export function parentWatch(env: Environment, onGone: () => void): () => void {
  if (!env['npm_lifecycle_event']) return () => undefined;
  // npm starts a shell that starts us, and that shell survives npm. Some shells replace themselves by us instead.
  const parent = process.ppid;
  const grandparent = parentOf(parent);
  const isGone = () => process.ppid !== parent || parentOf(parent) !== grandparent;
  const timer = setInterval(
    () => {
      if (isGone()) onGone();
    },
    process.platform === 'linux' ? 500 : 3000, // Elsewhere each look starts a process.
  );
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}
