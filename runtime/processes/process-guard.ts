import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import { z } from 'zod';
import { isCode, readIfThere, replaceFile } from '../data-folder';
import { identityOf, isRunning } from './process-identity';

// Reads "SIGNAL:PID SIGNAL:PID ..." lines and keeps the last one. Its standard input ends when the supervisor does, in
// whatever way: then everything on the list is asked to stop, and killed when it has not after ten seconds.
const WATCHDOG = `
list=
while IFS= read -r line; do list=$line; done
for entry in $list; do kill -s "\${entry%%:*}" "\${entry##*:}" 2>/dev/null; done
tries=0
while [ $tries -lt 100 ]; do
  alive=
  for entry in $list; do kill -0 "\${entry##*:}" 2>/dev/null && alive=yes; done
  [ -z "$alive" ] && exit 0
  sleep 0.1
  tries=$((tries + 1))
done
for entry in $list; do kill -s KILL "\${entry##*:}" 2>/dev/null; done
`;

export type StopSignal = 'SIGINT' | 'SIGTERM';
const Guarded = z.array(
  z.object({
    name: z.string(),
    pid: z.number().int(),
    startedAt: z.string(),
    stopSignal: z.enum(['SIGINT', 'SIGTERM']),
  }),
);
type Guarded = z.infer<typeof Guarded>;

/**
 * Sees to it that no process outlives the one that started it: a watchdog shell ends them when the supervisor is killed,
 * and a list in the data folder lets the next start end them when the watchdog was killed too.
 */
export class ProcessGuard {
  private children: Guarded = [];
  private watchdog: ChildProcess | null = null;
  private isClosed = false;
  private readonly file: string;

  constructor(home: string) {
    this.file = path.join(home, 'processes.json');
  }

  /** Ends whatever a killed supervisor left behind, and returns the names of what it met alive. */
  async endOrphans(): Promise<readonly string[]> {
    const content = readIfThere(this.file);
    const alive = parseGuarded(content).filter(isRunning);
    for (const child of alive) signalQuietly(child.pid, child.stopSignal);
    const deadline = Date.now() + 10_000;
    while (alive.some(isRunning)) {
      if (Date.now() > deadline)
        for (const child of alive.filter(isRunning)) signalQuietly(child.pid, 'SIGKILL');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return alive.map((child) => child.name);
  }

  /** Puts a process that was just started under guard. */
  watch(name: string, pid: number, stopSignal: StopSignal): void {
    const identity = identityOf(pid);
    if (!identity) return; // It ended already.
    this.children = [...this.children, { ...identity, name, stopSignal }];
    this.publish();
  }

  /** Takes a process that ended off the list. */
  forget(pid: number): void {
    this.children = this.children.filter((child) => child.pid !== pid);
    if (!this.isClosed) this.publish();
  }

  /** Ends the watchdog; call it when everything under guard has ended. */
  close(): void {
    this.isClosed = true;
    this.watchdog?.stdin?.end('\n');
  }

  private publish(): void {
    this.watchdog ??= this.startWatchdog();
    this.watchdog.stdin?.write(
      `${this.children.map((child) => `${child.stopSignal.slice(3)}:${child.pid}`).join(' ')}\n`,
    );
    try {
      replaceFile(this.file, JSON.stringify(this.children));
    } catch (error) {
      // The data folder was taken away: no later start looks there, and the watchdog still has the list.
      if (!isCode(error, 'ENOENT')) throw error;
    }
  }

  private startWatchdog(): ChildProcess {
    // A session of its own: Ctrl-C and the end of the terminal must not reach it.
    const watchdog = spawn('/bin/sh', ['-c', WATCHDOG], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
    });
    watchdog.unref();
    watchdog.stdin.on('error', () => undefined); // The exit event below replaces a watchdog that died.
    const replace = () => {
      if (this.watchdog === watchdog) this.watchdog = null;
      if (!this.isClosed && this.children.length > 0) this.publish();
    };
    watchdog.once('exit', replace);
    watchdog.once('error', () => undefined); // No /bin/sh: the list in the data folder still serves the next start.
    return watchdog;
  }
}

function parseGuarded(content: string | null): Guarded {
  if (!content) return [];
  try {
    return Guarded.parse(JSON.parse(content));
  } catch {
    return []; // Cut off or from elsewhere: it names no process for certain.
  }
}

/** Sends a signal to a process that may have ended meanwhile. */
export function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal, which is what the signal was for.
  }
}
