import { spawnSync } from 'node:child_process';
import fs from 'node:fs';

/** A process as it can be recognized later: a pid alone is reused by the system. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startedAt: string;
}

/** The identity of a process that runs right now; null when there is none with this pid. A zombie does not run. */
export function identityOf(pid: number): ProcessIdentity | null {
  const { state, startedAt } = lookUp(pid) ?? {};
  return !state || !startedAt || /^[ZX]/.test(state) ? null : { pid, startedAt };
}

/** Whether exactly this process still runs. */
export const isRunning = ({ pid, startedAt }: ProcessIdentity): boolean =>
  identityOf(pid)?.startedAt === startedAt;

/** The pid of the process that started `pid`, or that took it over; null when there is no such process. */
export const parentOf = (pid: number): number | null => lookUp(pid)?.parent ?? null;

interface ProcessFacts {
  readonly state: string;
  readonly parent: number;
  readonly startedAt: string;
}

const lookUp = (pid: number): ProcessFacts | null =>
  process.platform === 'linux' ? fromProc(pid) : fromPs(pid);

function fromProc(pid: number): ProcessFacts | null {
  let stat: string;
  try {
    stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return null; // No such process: there is nothing else this read can fail of.
  }
  // The second field is the program's name in parentheses and may hold anything; fields count from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', parent: Number(fields[1]), startedAt: fields[19] ?? '' };
}

function fromPs(pid: number): ProcessFacts | null {
  const { stdout } = spawnSync('ps', ['-o', 'state=,ppid=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const [state, parent, ...start] = stdout.trim().split(/\s+/);
  return state ? { state, parent: Number(parent), startedAt: start.join(' ') } : null;
}
