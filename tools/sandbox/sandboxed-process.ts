import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { collectText, readChannel } from './answer-channel';
import { groupEnd, killGroup } from './process-group';

export interface SandboxedRun {
  /** Confines itself: this file only starts, watches and ends it. Descriptor 3 ends when the server does. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** The working directory. */
  readonly folder: string;
  /** Sent to stdin. */
  readonly input: string;
  /** Begins the one line that counts as the answer. */
  readonly nonce: string;
  readonly answersOn: 'stdout' | 'descriptor 3';
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Looks after the folder while the process runs; returns how to stop that. */
  readonly watch?: (pid: number | undefined, onFull: () => void) => () => void;
}

export interface SandboxedEnd {
  /** Undefined when the process ended without one. */
  readonly answer: unknown;
  readonly stdout: string;
  readonly stderr: string;
  readonly stoppedFor: 'timeout' | 'folder' | 'abort' | null;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Printed text of a tool that the server keeps, per stream. */
const OUTPUT_LIMIT_BYTES = 1 << 20;

/**
 * Runs a process in a session of its own and waits for its answer, its end, its time or the signal; when this resolves
 * the whole process group is dead. Never rejects but for a program that can't be started.
 */
export async function runSandboxed(run: SandboxedRun): Promise<SandboxedEnd> {
  const [program, ...args] = run.command;
  const child = spawn(program, args, {
    cwd: run.folder,
    detached: true,
    env: { ...run.environment },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  let stoppedFor: SandboxedEnd['stoppedFor'] = null;
  const stop = (reason: SandboxedEnd['stoppedFor']) => {
    stoppedFor ??= reason;
    killGroup(child);
  };
  const [stdout, stderr, third] = child.stdio.slice(1) as [Readable, Readable, Readable]; // as asked for above
  const said = readChannel(run.answersOn === 'stdout' ? stdout : third, {
    nonce: run.nonce,
    limitBytes: OUTPUT_LIMIT_BYTES,
    onAnswer: () => killGroup(child),
  });
  const printed = run.answersOn === 'stdout' ? () => said().text : collectText(stdout, OUTPUT_LIMIT_BYTES);
  const complained = collectText(stderr, OUTPUT_LIMIT_BYTES);
  third.on('error', () => undefined).resume();
  // A process that dies before it has read its request is told by its end.
  child.stdin.on('error', () => undefined);
  child.stdin.end(run.input);

  const timer = setTimeout(() => stop('timeout'), run.timeoutMs);
  const onAbort = () => stop('abort');
  run.signal.addEventListener('abort', onAbort);
  if (run.signal.aborted) onAbort();
  const unwatch = run.watch?.(child.pid, () => stop('folder'));
  try {
    const { code, signal } = await groupEnd(child, [stdout, stderr, third]);
    return { answer: said().answer, stdout: printed(), stderr: complained(), stoppedFor, code, signal };
  } finally {
    clearTimeout(timer);
    unwatch?.();
    run.signal.removeEventListener('abort', onAbort);
  }
}
