import fs from 'node:fs';

export interface Usage {
  readonly cpuMs: number;
  readonly rssMb: number;
}
export type ServiceName = 'server' | 'temporal' | 'postgres';
export type Usages = Readonly<Record<ServiceName, Usage>>;

// USER_HZ, the unit of /proc/<pid>/stat, is 100 on every Linux that Node runs on.
const MS_PER_TICK = 10;

/** Finds the services below the supervisor by what they run. */
export function findServices(supervisor: number): Readonly<Record<ServiceName, number>> {
  const children = childrenOf(supervisor);
  const find = (name: ServiceName, pattern: RegExp): number => {
    const pid = children.find((child) => pattern.test(commandOf(child)));
    if (pid === undefined) throw new Error(`no ${name} process below ${supervisor}`);
    return pid;
  };
  return {
    server: find('server', /serve\.js/),
    temporal: find('temporal', /start-dev/),
    postgres: find('postgres', /cluster_name=everturn/),
  };
}

/** CPU time since each began, and resident memory, of the services with their children. */
export function usageOfServices(pids: Readonly<Record<ServiceName, number>>): Usages {
  return {
    server: usageOf([pids.server]),
    temporal: usageOf([pids.temporal]),
    postgres: usageOf([pids.postgres, ...childrenOf(pids.postgres)]),
  };
}

/** Children that ended are in their parent's account, living ones are added. */
export function usageOf(pids: readonly number[]): Usage {
  const ticks = pids.map((pid) => cpuTicks(pid)).reduce((sum, each) => sum + each, 0);
  const rssMb = pids.map((pid) => memoryMb(pid)).reduce((sum, each) => sum + each, 0);
  return { cpuMs: ticks * MS_PER_TICK, rssMb };
}

function cpuTicks(pid: number): number {
  const fields = statOf(pid);
  return [13, 14, 15, 16].map((at) => Number(fields[at] ?? 0)).reduce((sum, each) => sum + each, 0);
}

/** Proportional memory counts pages that Postgres' processes share once; resident memory is the fallback. */
function memoryMb(pid: number): number {
  const kb =
    /^Pss:\s+(\d+)/m.exec(read(`/proc/${pid}/smaps_rollup`)) ??
    /^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`));
  return Number(kb?.[1] ?? 0) / 1024;
}

function childrenOf(parent: number): number[] {
  const pids = fs
    .readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
  return pids.filter((pid) => Number(statOf(pid)[3]) === parent);
}

/** The fields of /proc/<pid>/stat, numbered as in its manual from 0; the name may hold spaces. */
function statOf(pid: number): readonly string[] {
  const stat = read(`/proc/${pid}/stat`);
  return [String(pid), '', ...stat.slice(stat.lastIndexOf(')') + 2).split(' ')];
}

const commandOf = (pid: number): string => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return ''; // The process ended meanwhile, or belongs to somebody else.
  }
}
