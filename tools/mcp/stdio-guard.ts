import { spawn } from 'node:child_process';

// Entry of the process that stands between us and a server on stdio: `node stdio-guard.js <grace ms> <command> [arg...]`.
// The server's pipes are ours, not copies. When we are gone, however we went, or ask to stop, the server and everything
// it started end with it: it leads a process group of its own.
const [graceMs = '', command = '', ...args] = process.argv.slice(2);
const parent = process.ppid;
const child = spawn(command, args, { stdio: 'inherit', detached: true });

function signalGroup(signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone already.
  }
}

let isEnding = false;
function end(code: number): void {
  if (isEnding) return;
  isEnding = true;
  signalGroup('SIGTERM');
  setTimeout(() => {
    signalGroup('SIGKILL');
    process.exit(code);
  }, Number(graceMs));
}

child.once('error', (error: NodeJS.ErrnoException) => {
  process.stderr.write(`${command} could not be started (${error.code ?? error.message})\n`);
  process.exit(127);
});
child.once('exit', (code) => {
  // What it left behind has no one to answer to.
  signalGroup('SIGKILL');
  process.exit(code ?? 1);
});
process.on('SIGTERM', () => end(143));
process.on('SIGINT', () => end(130));
setInterval(() => {
  if (process.ppid !== parent) end(1);
}, 250);
