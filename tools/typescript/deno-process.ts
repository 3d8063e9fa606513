import { spawn } from 'node:child_process';
import { groupEnd, killGroup } from '../process-group';
import { createText, readChannel } from './answer-channel';
import { OUTPUT_LIMIT_BYTES, RESERVED_BYTES } from './settings';

export interface DenoRun {
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string>>;
  /** The working directory. */
  readonly folder: string;
  /** Sent to stdin. */
  readonly input: string;
  readonly nonce: string;
  readonly memoryBytes: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface DenoEnd {
  /** Undefined when the process ended without one. */
  readonly answer: unknown;
  readonly stdout: string;
  readonly stderr: string;
  readonly stoppedFor: 'timeout' | 'abort' | null;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

// Descriptor 3 ends when the server does, however it dies: then the watcher kills the group, itself included. `ulimit -d`
// bounds the memory beside V8's own heap, which nothing in Deno does.
const SCRIPT = `ulimit -c 0; ulimit -d "$1"; shift
(read -r _ <&3; kill -9 0) >/dev/null 2>&1 &
exec "$@" 3<&-`;

/**
 * Runs Deno in a process group of its own and waits for its answer, its end, its time or the signal; when this resolves the
 * whole group is dead. Rejects only when nothing can be started.
 */
export async function runDenoProcess(run: DenoRun): Promise<DenoEnd> {
  const memory = String(Math.ceil((run.memoryBytes + RESERVED_BYTES) / 1024));
  const child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', memory, ...run.command], {
    cwd: run.folder,
    detached: true,
    env: { ...run.environment },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  let stoppedFor: DenoEnd['stoppedFor'] = null;
  const stop = (reason: DenoEnd['stoppedFor']) => {
    stoppedFor ??= reason;
    killGroup(child);
  };
  const onAnswer = () => killGroup(child);
  const said = readChannel(child.stdout, { nonce: run.nonce, limitBytes: OUTPUT_LIMIT_BYTES, onAnswer });
  const errors = createText(OUTPUT_LIMIT_BYTES);
  child.stderr.on('data', (chunk: Buffer) => errors.add(chunk)).on('error', () => undefined);
  // A process that dies before it has read its request is told by its end.
  child.stdin.on('error', () => undefined);
  child.stdio[3]?.on('error', () => undefined);
  child.stdin.end(run.input);

  const timer = setTimeout(() => stop('timeout'), run.timeoutMs);
  const onAbort = () => stop('abort');
  run.signal.addEventListener('abort', onAbort);
  if (run.signal.aborted) onAbort();
  try {
    const { code, signal } = await groupEnd(child, [child.stdout, child.stderr], () =>
      child.stdio[3]?.destroy(),
    );
    const { text, answer } = said();
    return { answer, stdout: text, stderr: errors.text(), stoppedFor, code, signal };
  } finally {
    clearTimeout(timer);
    run.signal.removeEventListener('abort', onAbort);
  }
}
