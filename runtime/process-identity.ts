import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

/** A process as it can be recognized later: a pid alone is reused by the system. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** The identity of a process that runs right now; null when there is none with this pid. */
export function identityOf(pid: number): ProcessIdentity | null {
  const startedAt = process.platform === 'linux' ? startFromProc(pid) : startFromPs(pid);
  return startedAt === null ? null : { pid, startedAt };
}

/** Whether exactly this process still runs. A zombie does not. */
export const isRunning = ({ pid, startedAt }: ProcessIdentity): boolean => identityOf(pid)?.startedAt === startedAt;

function startFromProc(pid: number): string | null {
  let stat: string;
  try {
    stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // No such process: there is nothing else this read can fail of.
  }
  // The second field is the program's name in parentheses and may hold anything; fields count from behind it.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? null : (fields[18] ?? null);
}

function startFromPs(pid: number): string | null {
  const { stdout } = spawnSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const [state, ...start] = stdout.trim().split(/\s+/);
  return !state || state.startsWith('Z') ? null : start.join(' ');
}
