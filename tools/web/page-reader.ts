import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { toolError } from '../../domain/tool-failure';
import type { ReadablePage } from './html-to-markdown';

/** Turns HTML into readable text. */
export type PageReader = (page: PageSource, signal: AbortSignal) => Promise<ReadablePage>;
export interface PageSource {
  readonly html: string;
  readonly url: string;
}

export interface PageReaderOptions {
  /** Compiled entry of the thread. */
  readonly entry?: string;
  readonly timeoutMs?: number;
  readonly maxThreads?: number;
}

/**
 * Reads pages in threads of their own. A page is a stranger's input: 60 KB of nested tags keep the parser busy for
 * minutes, which in the main thread would stop every heartbeat. Here the time and memory of one page are limited.
 */
export function createPageReader({
  entry = path.join(__dirname, 'read-page-thread.js'),
  timeoutMs = 10_000,
  maxThreads = 4,
}: PageReaderOptions = {}): PageReader {
  const withSlot = createSlots(maxThreads);
  return (page, signal) =>
    withSlot(async () => {
      signal.throwIfAborted();
      const tooSlow = AbortSignal.timeout(timeoutMs);
      try {
        return await runThread(entry, page, AbortSignal.any([signal, tooSlow]));
      } catch (cause) {
        signal.throwIfAborted();
        const reason = tooSlow.aborted ? 'it is too complex' : 'its HTML cannot be processed';
        throw toolError('RuntimeError', `${page.url} could not be turned into text: ${reason}.`, { cause });
      }
    });
}

function runThread(entry: string, page: PageSource, signal: AbortSignal): Promise<ReadablePage> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(entry, {
      workerData: page,
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    });
    // Settles with the exit below, so that a slot is free only once its thread is gone.
    const stop = () => void thread.terminate();
    signal.addEventListener('abort', stop, { once: true });
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => {
      signal.removeEventListener('abort', stop);
      reject(new Error('the thread ended without an answer'));
    });
  });
}

/** Lets `count` tasks run at a time; the others wait in order. */
function createSlots(count: number) {
  let free = count;
  const waiting: (() => void)[] = [];
  return async function withSlot<T>(task: () => Promise<T>): Promise<T> {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free += 1;
    }
  };
}
