import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const VERSION = '0.34.12';

/** What one run of Letta Code printed. */
export interface LettaCodeRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | null;
}
export interface LettaCodeOptions {
  /** URL of the server. */
  readonly url: string;
  /** A folder of its own for its settings. */
  readonly home: string;
  /** The folder it works in. */
  readonly cwd: string;
  /** Kills it, with all that it has started. */
  readonly signal?: AbortSignal;
  /** Lines for its standard input; the next one goes in once `isAnswered` says so of the output so far. */
  readonly input?: readonly string[];
  readonly isAnswered?: (stdout: string, sent: number) => boolean;
}

const LIMIT_MS = 120_000;

/**
 * Runs the unmodified Letta Code without a terminal, its telemetry and update checks off. Nothing that it starts outlives
 * the run, which fails after two minutes.
 */
export async function runLettaCode(
  args: readonly string[],
  { url, home, cwd, signal, input, isAnswered = () => true }: LettaCodeOptions,
): Promise<LettaCodeRun> {
  const child = spawn(await lettaCode(), args, {
    cwd,
    detached: true, // a group of its own, to end as a whole
    env: { ...process.env, HOME: home, LETTA_BASE_URL: url, LETTA_CODE_TELEM: '0', DISABLE_AUTOUPDATER: '1' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const limit = AbortSignal.timeout(LIMIT_MS);
  for (const end of [limit, ...(signal ? [signal] : [])]) {
    end.addEventListener('abort', () => {
      endGroup(child.pid);
    });
  }
  const waiting = [...(input ?? [])];
  let sent = 0;
  let stdout = '';
  let stderr = '';
  function sendNext(): void {
    if (!isAnswered(stdout, sent)) return;
    const line = waiting.shift();
    sent += 1;
    if (line === undefined) child.stdin.end();
    else child.stdin.write(`${line}\n`);
  }
  child.stdin.on('error', () => undefined); // it may end before it has read all; its exit code tells
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    if (!child.stdin.writableEnded) sendNext();
  });
  if (input) sendNext();
  else child.stdin.end();
  await ended;
  const isLate = limit.aborted;
  endGroup(child.pid);
  if (isLate) throw new Error(`letta ${args.join(' ')} took too long:\n${stdout}\n${stderr}`);
  return { stdout, stderr, exitCode: child.exitCode };
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

/** The program, installed once per user and version: 80 MB from PyPI, 280 MB on disk with the Node that it brings. */
async function lettaCode(): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? path.join(os.homedir(), '.cache');
  const folder = path.join(cache, 'everturn', `letta-code-${VERSION}`);
  const program = path.join(folder, 'bin', 'letta');
  if (fs.existsSync(path.join(folder, 'ready'))) return program;
  fs.rmSync(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder], { timeout: 120_000 });
  const install = ['-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--no-compile', `letta==${VERSION}`];
  await run(path.join(folder, 'bin', 'python'), install, { timeout: 480_000 });
  fs.writeFileSync(path.join(folder, 'ready'), '');
  return program;
}
