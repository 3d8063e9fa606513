import path from 'node:path';
import { toolError } from '../../domain/tool-failure';
import { createLimitedThreads, ThreadError, type ThreadLimits } from '../limited-threads';
import type { ReadablePage } from './html-to-markdown';

/** Turns HTML into readable text. */
export type PageReader = (page: PageSource, signal: AbortSignal) => Promise<ReadablePage>;
export interface PageSource {
  readonly html: string;
  readonly url: string;
}

/**
 * Reads pages in threads of their own. A page is a stranger's input: 60 KB of nested tags keep the parser busy for
 * minutes, which in the main thread would stop every heartbeat.
 */
export function createPageReader({
  entry = path.join(__dirname, 'read-page-thread.js'),
  timeoutMs = 10_000,
  maxThreads = 4,
}: Partial<ThreadLimits> = {}): PageReader {
  const read = createLimitedThreads<ReadablePage>({ entry, timeoutMs, maxThreads });
  return (page, signal) =>
    read(page, signal).catch((cause: unknown) => {
      if (!(cause instanceof ThreadError)) throw cause;
      const reason = cause.isTooSlow ? 'it is too complex' : 'its HTML cannot be processed';
      throw toolError('RuntimeError', `${page.url} could not be turned into text: ${reason}.`, { cause });
    });
}
