import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { groupEnd, killGroup } from '../process-group';
import { watchFolder } from './folder-watch';
import { collectAnswer, collectText } from './output';
import { OUTPUT_LIMIT_BYTES } from './settings';

export interface ConfinedRun {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** Sent to stdin. */
  readonly input: string;
  /** Begins the one line on descriptor 3 that counts as the answer. */
  readonly nonce: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The process's own folder, whose size is watched. */
  readonly folder: string;
}

export interface ConfinedEnd {
  /** Undefined when the process ended without one. */
  readonly answer: unknown;
  readonly stdout: string;
  readonly stderr: string;
  readonly stoppedFor: 'timeout' | 'folder' | 'abort' | null;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const ANSWER_LIMIT_BYTES = 16 << 20;

/**
 * Runs a process in a session of its own and waits for its answer, its end, its time or the signal; when this resolves
 * the whole process group is dead. Never rejects but for a program that can't be started.
 */
export async function runConfined(run: ConfinedRun): Promise<ConfinedEnd> {
  const [program, ...args] = run.command;
  const child = spawn(program, args, {
    cwd: '/',
    detached: true,
    env: { ...run.environment },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  let stoppedFor: ConfinedEnd['stoppedFor'] = null;
  const stop = (reason: ConfinedEnd['stoppedFor']) => {
    stoppedFor ??= reason;
    killGroup(child);
  };
  const pipes = child.stdio.slice(1) as [Readable, Readable, Readable]; // as asked for above
  const stdout = collectText(pipes[0], OUTPUT_LIMIT_BYTES);
  const stderr = collectText(pipes[1], OUTPUT_LIMIT_BYTES);
  const answer = collectAnswer(pipes[2], {
    nonce: run.nonce,
    limitBytes: ANSWER_LIMIT_BYTES,
    onAnswer: () => killGroup(child),
  });
  // A process that dies before it has read its request is told by its end.
  child.stdin.on('error', () => undefined);
  child.stdin.end(run.input);

  const timer = setTimeout(() => stop('timeout'), run.timeoutMs);
  const onAbort = () => stop('abort');
  run.signal.addEventListener('abort', onAbort);
  if (run.signal.aborted) onAbort();
  const unwatch = watchFolder(run.folder, child.pid, () => stop('folder'));
  try {
    const { code, signal } = await groupEnd(child, pipes);
    return { answer: answer(), stdout: stdout(), stderr: stderr(), stoppedFor, code, signal };
  } finally {
    clearTimeout(timer);
    unwatch();
    run.signal.removeEventListener('abort', onAbort);
  }
}
