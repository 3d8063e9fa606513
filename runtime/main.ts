import path from 'node:path';
import { loadConfig, readEnvironment, type Config } from '../config';
import { AppError } from '../domain/errors';
import { createLogger } from '../log';
import { parentWatch } from './processes/parent-watch';
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
  const stopping = new AbortController();
  const outcome: Outcome = { stack: null, fatal: null };
  const unlisten = onStopRequest(() => {
    if (stopping.signal.aborted) outcome.stack?.hurry();
    stopping.abort();
  });
  try {
    await run(serverModule, stopping, outcome);
    return outcome.fatal ? complain(outcome.fatal) : 0;
  } catch (error) {
    // A start that was interrupted fails because it was; nothing else is wrong.
    return stopping.signal.aborted && !outcome.fatal ? 0 : complain(outcome.fatal ?? error);
  } finally {
    unlisten();
  }
}

interface Outcome {
  stack: Stack | null;
  fatal: AppError | null;
}

async function run(serverModule: string, stopping: AbortController, outcome: Outcome): Promise<void> {
  const startedAt = performance.now();
  const env = readEnvironment();
  const config = loadConfig(env);
  const log = createLogger(config.logLevel);
  const onFatal = (error: AppError) => {
    outcome.fatal = error;
    stopping.abort();
  };
  const { signal } = stopping;
  const stack = await startStack({ config, env, serverModule, log, progress: say, onFatal, signal });
  outcome.stack = stack;
  const stopWatching = parentWatch(env, () => stopping.abort());
  announce(config, stack, (performance.now() - startedAt) / 1000);
  await aborted(signal);
  stopWatching();
  say('Stopping ... (again to hurry)');
  await stack.stop();
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

const ONE_REQUEST_MS = 500;

/** Calls back for each request to stop: Ctrl-C, SIGTERM, the end of the terminal. */
function onStopRequest(callback: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let last = -Infinity;
  const request = () => {
    const now = performance.now();
    // The terminal signals npm and us, and npm passes its signal on: one Ctrl-C arrives twice.
    if (now - last > ONE_REQUEST_MS) callback();
    last = now;
  };
  for (const signal of signals) process.on(signal, request);
  return () => {
    for (const signal of signals) process.off(signal, request);
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
