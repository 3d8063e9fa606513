import fs from 'node:fs';
import { AppError } from '../domain/errors';

/** The first of `folders` that can be created and written. The error names what to set when none can. */
export function firstWritable(folders: readonly string[]): string {
  for (const folder of folders) {
    try {
      fs.mkdirSync(folder, { recursive: true, mode: 0o755 });
      fs.accessSync(folder, fs.constants.W_OK);
      return folder;
    } catch {
      continue; // The next one may do.
    }
  }
  throw new AppError('INVALID_ARGUMENT', `None of ${folders.join(', ')} can be written; set XDG_CACHE_HOME.`);
}
