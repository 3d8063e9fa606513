import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const ROOT = path.resolve(__dirname, '..', '..');

/** A supervisor that runs as a process of its own, as `npm start` would. */
export interface Started {
  readonly pid: number;
  /** Everything it wrote so far. */
  output(): string;
  /** Resolves with the API's URL; throws with the output when it ends first. */
  ready(): Promise<string>;
  /** Resolves with the exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  kill(signal: NodeJS.Signals): void;
}

/** What node needs before a script of ours that is not compiled. */
export const hookFor = (script: string): readonly string[] =>
  script.endsWith('.ts') ? ['-r', path.join(ROOT, 'test', 'support', 'register-typescript.cjs')] : [];

/** Starts the supervisor from source, by default with a stand-in for the server. `env` overrides the environment. */
export function startEverturn(
  env: Readonly<Record<string, string>>,
  script = 'test/support/start-with-double.ts',
): Started {
  const child = spawn(process.execPath, [...hookFor(script), path.join(ROOT, script)], {
    cwd: env['EVERTURN_TEST_CWD'] ?? ROOT,
    env: { ...process.env, LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    ended,
    kill: (signal) => {
      child.kill(signal);
    },
    async ready() {
      await until(
        () => hasEnded || /Ctrl-C stops everything/.test(output),
        100_000,
        () => output,
      );
      const url = /API\s+(http:\S+)/.exec(output)?.[1];
      if (!url) throw new Error(`Everturn did not start:\n${output}`);
      return url;
    },
  };
}

/** A temporary folder; `remove` it in afterEach. */
export const temporaryFolder = (): string => fs.mkdtempSync(path.join(os.tmpdir(), 'everturn-start-'));

// Two files and all their processes share the machine: no deadline is shorter.
const SHORTEST_MS = 30_000;

/** Polls until `condition` holds; fails with what `describe` says after the deadline, half a minute at the least. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = SHORTEST_MS,
  describe: () => string = () => 'the condition never held',
): Promise<void> {
  const waitMs = Math.max(timeoutMs, SHORTEST_MS);
  const deadline = Date.now() + waitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`after ${waitMs} ms: ${describe()}`);
    await sleep(20);
  }
}

/** The living processes below `pid`, at any depth, the zombies left out. */
export function descendants(pid: number): number[] {
  const children = childrenByParent();
  const below = (parent: number): number[] =>
    (children.get(parent) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(pid);
}

/** The living processes that `pid` itself started. */
export const childrenOf = (pid: number): number[] => childrenByParent().get(pid) ?? [];

function childrenByParent(): ReadonlyMap<number, number[]> {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,ppid=,state='], { encoding: 'utf8' });
  const children = new Map<number, number[]>();
  for (const line of stdout.trim().split('\n')) {
    const [pid, parent, state] = line.trim().split(/\s+/);
    if (state === 'Z') continue;
    children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(pid)]);
  }
  return children;
}

/** Whether a process with this pid runs. Tests ask often, so no program is started for the answer. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // It ended.
  }
}
