import { spawn, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import type { AppError } from '../../domain/errors';
import { isCode, reasonOf } from '../data-folder';
import { signalQuietly, type ProcessGuard, type StopSignal } from './process-guard';

const LOG_LIMIT_BYTES = 5_000_000;

/** What a program of others gets to see: our own environment holds keys and passwords. */
export const PLAIN_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
};

/** How a process ended. `fatal` is set when it said itself that another attempt is useless. */
export interface Exit {
  readonly reason: string;
  readonly fatal: AppError | null;
}

/** A process that runs, or ran. */
export interface Launched {
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** null while it runs. */
  readonly exit: Exit | null;
  kill(signal: NodeJS.Signals): void;
  /** The last lines it wrote to its log, for an error message. */
  logTail(): string;
}

export interface LaunchOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Runs as this user and its group; undefined keeps ours. */
  readonly uid?: number | undefined;
  readonly logFile: string;
  readonly stopSignal: StopSignal;
  readonly guard: ProcessGuard;
}

/** Starts a program in a process group of its own, its output in `logFile`, guarded from its first moment. */
export function launch(options: LaunchOptions): Launched {
  const { command, args, cwd, uid, logFile } = options;
  const log = openLog(logFile);
  const { size } = fs.fstatSync(log);
  try {
    const owner = uid === undefined ? {} : { uid, gid: uid };
    const child = spawn(command, args, {
      cwd,
      env: PLAIN_ENVIRONMENT,
      ...owner,
      detached: true,
      stdio: ['ignore', log, log],
    });
    return guarded(child, options, { logTail: () => tailOf(logFile, size) });
  } finally {
    fs.closeSync(log);
  }
}

/** Puts a child process under guard and turns its events into one promise. */
export function guarded(
  child: ChildProcess,
  { name, stopSignal, guard }: Pick<LaunchOptions, 'name' | 'stopSignal' | 'guard'>,
  { fatal = () => null, logTail = () => '' }: { fatal?: () => AppError | null; logTail?: () => string },
): Launched {
  const pid = child.pid ?? 0;
  if (pid > 0) guard.watch(name, pid, stopSignal);
  let exit: Exit | null = null;
  const exited = new Promise<Exit>((resolve) => {
    const end = (reason: string) => {
      exit = { reason, fatal: fatal() };
      if (pid > 0) guard.forget(pid);
      resolve(exit);
    };
    child.once('exit', (code, signal) => {
      end(signal ?? `exit code ${code}`);
    });
    child.once('error', (error) => {
      if (pid === 0) end(isCode(error, 'ENOENT') ? `${child.spawnfile} was not found` : reasonOf(error));
    });
  });
  const kill = (signal: NodeJS.Signals) => {
    if (pid > 0 && !exit) signalQuietly(pid, signal); // Its pid may be somebody else's after the end.
  };
  return {
    pid,
    exited,
    get exit() {
      return exit;
    },
    kill,
    logTail,
  };
}

function tailOf(file: string, from: number): string {
  const content = fs.readFileSync(file).subarray(from).toString('utf8');
  return content.trimEnd().split('\n').slice(-5).join('\n');
}

function openLog(file: string): number {
  const size = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > LOG_LIMIT_BYTES) fs.renameSync(file, `${file}.1`);
  return fs.openSync(file, 'a', 0o600);
}
