import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { hookFor, until } from './started';

const ROOT = path.resolve(__dirname, '..', '..');

/** One process of a set-up where API and workers run separately. */
export interface Served {
  /** The API's URL; null for a worker. */
  readonly url: string | null;
  readonly pid: number;
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** Starts the built `runtime/serve.js`, or a script that serves, with this environment; resolves when it is ready. */
export async function serve(
  env: Readonly<Record<string, string>>,
  script = 'dist/runtime/serve.js',
): Promise<Served> {
  const child = spawn(process.execPath, [...hookFor(script), path.join(ROOT, script)], {
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'close');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  await until(
    () => hasEnded() || output.includes('Everturn is ready'),
    100_000,
    () => output,
  );
  if (hasEnded()) throw new Error(`the server ended before it was ready:\n${output}`);
  return {
    url: /"url":"(http:[^"]+)"/.exec(output)?.[1] ?? null,
    pid: child.pid ?? 0,
    async kill(signal) {
      if (!hasEnded()) child.kill(signal);
      await ended;
    },
  };
}
