import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { AppError } from '../domain/errors';

/** Creates the data folder for its owner only and proves that it can be written; the error says what to set. */
export function prepareDataFolder(home: string): void {
  const probe = path.join(home, `.probe-${process.pid}`);
  try {
    fs.mkdirSync(home, { recursive: true, mode: 0o700 });
    fs.writeFileSync(probe, '');
    fs.unlinkSync(probe);
  } catch (cause) {
    throw new AppError(
      'INVALID_ARGUMENT',
      `The data folder ${home} can't be written (${reasonOf(cause)}); set EVERTURN_HOME to a folder that can.`,
      { cause },
    );
  }
}

/** Replaces a file in one step: a reader sees the old content or the whole of the new one. */
export function replaceFile(file: string, content: string): void {
  const partial = `${file}.${process.pid}.${randomBytes(3).toString('hex')}`;
  fs.writeFileSync(partial, content, { mode: 0o600 });
  fs.renameSync(partial, file);
}

/** The content of a file; null when there is no such file. */
export function readIfThere(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

/** Whether `error` is the system error `code`, for example ENOENT. */
export const isCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;

/** What an operator needs of an error: the code of a system error, the message of any other. */
export function reasonOf(error: unknown): string {
  if (error instanceof AppError) return error.message;
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.message : String(error);
}
