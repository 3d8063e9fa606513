import path from 'node:path';
import { AppError } from '../../domain/errors';
import type { ReadPdf } from '../../domain/file-type';
import { createLimitedThreads, ThreadError, type ThreadLimits } from '../limited-threads';
import type { PdfAnswer } from './read-pdf-thread';

const PROBLEMS = {
  password: 'it is protected by a password. Upload it without one',
  broken: 'it is broken, or no PDF. Save it anew',
  slow: 'it is too complex. Upload its text',
  empty: 'it holds no text, as scans do. Upload the text of its pages',
} as const;

/** Reads the text of PDF documents, page by page, in threads of their own. What can't be read is refused with the reason. */
export function createPdfReader({
  entry = path.join(__dirname, 'read-pdf-thread.js'),
  timeoutMs = 30_000,
  maxThreads = 2,
}: Partial<ThreadLimits> = {}): ReadPdf {
  const read = createLimitedThreads<PdfAnswer>({ entry, timeoutMs, maxThreads });
  return async (name, bytes) => {
    const answer = await read(bytes).catch((cause: unknown) => {
      if (!(cause instanceof ThreadError)) throw cause;
      throw unreadable(name, cause.isTooSlow ? 'slow' : 'broken', cause);
    });
    if ('problem' in answer) throw unreadable(name, answer.problem);
    const text = answer.pages.map((page) => page.trim()).join('\n\n');
    if (text.trim() === '') throw unreadable(name, 'empty');
    return text;
  };
}

const unreadable = (name: string, problem: keyof typeof PROBLEMS, cause?: unknown): AppError =>
  new AppError('UNSUPPORTED_MEDIA_TYPE', `The PDF ${name} can't be read: ${PROBLEMS[problem]}.`, { cause });
