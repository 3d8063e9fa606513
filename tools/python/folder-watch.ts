import fs from 'node:fs/promises';
import path from 'node:path';
import { FOLDER_LIMIT_BYTES, FOLDER_LIMIT_FILES } from './settings';

const INTERVAL_MS = 200;

/**
 * Calls `onFull` once a process keeps more in its folder than it may, open files that were deleted included. Returns how
 * to stop watching. The kernel limits each file; this limits them together.
 */
export function watchFolder(folder: string, pid: number | undefined, onFull: () => void): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const look = async () => {
    const { bytes, files } = await measureFolder(folder);
    const deleted = pid === undefined ? 0 : await deletedBytes(pid);
    if (bytes + deleted > FOLDER_LIMIT_BYTES || files > FOLDER_LIMIT_FILES) onFull();
    else again();
  };
  const again = () => {
    if (!stopped) timer = setTimeout(() => void look(), INTERVAL_MS);
  };
  again();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** What a folder holds, counted no further than the limits. */
async function measureFolder(folder: string): Promise<{ readonly bytes: number; readonly files: number }> {
  const sum = { bytes: 0, files: 0 };
  const pending = [folder];
  while (pending.length > 0 && sum.files <= FOLDER_LIMIT_FILES && sum.bytes <= FOLDER_LIMIT_BYTES) {
    const current = pending.pop() ?? folder;
    const entries = await fs.readdir(current, { withFileTypes: true }).catch(() => []); // it may be gone by now
    for (const entry of entries) {
      sum.files += 1;
      const place = path.join(current, entry.name);
      if (entry.isDirectory()) pending.push(place);
      else if (entry.isFile()) sum.bytes += await allocated(place);
      if (sum.files > FOLDER_LIMIT_FILES) break;
    }
  }
  return sum;
}

const allocated = (place: string): Promise<number> =>
  fs.lstat(place).then(
    ({ blocks }) => blocks * 512,
    () => 0,
  );

/** Space of files that were deleted and are still open. 0 where the system does not show it. */
async function deletedBytes(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`;
  const names = await fs.readdir(folder).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      fs.stat(path.join(folder, name)).then(
        (stat) => (stat.isFile() && stat.nlink === 0 ? stat.blocks * 512 : 0),
        () => 0,
      ),
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
