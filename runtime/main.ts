import path from 'node:path';
import { loadConfig, readEnvironment, type Config } from '../config';
import { AppError } from '../domain/errors';
import { createLogger } from '../log';
import { parentWatch } from './parent-watch';
import { readyText } from './ready-text';
import { startStack, type Stack } from './stack';

export interface MainOptions {
  /** The module that the server process runs. */
  readonly serverModule: string;
}

/**
 * `npm start`: runs everything until a signal, then stops all of it. Resolves with the exit code; a problem is told in
 * one sentence, without a stack trace.
 */
export async function main({ serverModule }: MainOptions): Promise<number> {
  const startedAt = Date.now();
  const stopping = new AbortController();
  let stack: Stack | null = null;
  let fatal: AppError | null = null;
  const unlisten = onStopRequest(() => {
    if (stopping.signal.aborted) stack?.hurry();
    stopping.abort();
  });
  try {
    const env = readEnvironment();
    const config = loadConfig(env);
    const log = createLogger(config.logLevel);
    const onFatal = (error: AppError) => {
      fatal = error;
      stopping.abort();
    };
    const { signal } = stopping;
    stack = await startStack({ config, env, serverModule, log, progress: say, onFatal, signal });
    const stopWatching = parentWatch(env, () => stopping.abort());
    announce(config, stack, (Date.now() - startedAt) / 1000);
    await aborted(signal);
    stopWatching();
    say('Stopping ... (again to hurry)');
    await stack.stop();
    if (fatal) throw fatal;
    return 0;
  } catch (error) {
    if (stopping.signal.aborted && !fatal) return 0;
    return complain(error);
  } finally {
    unlisten();
  }
}

function announce(config: Config, { ready, temporalUi }: Stack, seconds: number): void {
  process.stdout.write(readyText({ config, ready, temporalUi, seconds }));
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

function complain(error: unknown): number {
  if (error instanceof AppError) say(`Everturn can't run: ${error.message}`);
  else say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return 1;
}

/** Calls back for each request to stop: Ctrl-C, SIGTERM, the end of the terminal. */
function onStopRequest(callback: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, callback);
  return () => {
    for (const signal of signals) process.off(signal, callback);
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    // An abort listener alone keeps no process alive; the services' handles do.
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

if (require.main === module) {
  const serverModule = path.join(__dirname, `serve${path.extname(__filename)}`);
  void main({ serverModule }).then((code) => process.exit(code));
}
