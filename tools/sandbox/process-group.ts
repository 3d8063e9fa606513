import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';

// How long the pipes of a process that has ended are still read.
const DRAIN_MS = 200;

/** How a process ended. */
export interface GroupEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Settles when a process that leads its group has ended and its pipes are read. Whatever it has left behind in its group is
 * killed, and a pipe that somebody else keeps open is given up.
 */
export function groupEnd(child: ChildProcess, pipes: readonly Readable[]): Promise<GroupEnd> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      killGroup(child);
      const drain = setTimeout(() => pipes.forEach((pipe) => pipe.destroy()), DRAIN_MS);
      child.once('close', () => {
        clearTimeout(drain);
        resolve({ code, signal });
      });
    });
  });
}

/** Kills a process that leads its group, and all of the group. */
export function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of the group are dead already.
  }
}
