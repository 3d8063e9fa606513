import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

const PREFIX = 'everturn-tool-';
const LEFT_BEHIND_MS = 3_600_000;

/** Runs `work` with a folder that only this call knows; it is gone afterwards, whatever the tool made of it. */
export async function withWorkFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await fs.mkdtemp(path.join(await fs.realpath(os.tmpdir()), PREFIX));
  try {
    return await work(folder);
  } finally {
    await fs.rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Removes the folders of servers that were killed: no call takes as long as they are old. */
export async function removeLeftBehind(now: Date): Promise<void> {
  const parent = await fs.realpath(os.tmpdir());
  const names = (await fs.readdir(parent)).filter((name) => name.startsWith(PREFIX));
  for (const name of names) {
    const folder = path.join(parent, name);
    const stat = await fs.lstat(folder).catch(() => null);
    if (!stat?.isDirectory() || now.getTime() - stat.mtimeMs < LEFT_BEHIND_MS) continue;
    // Another user's folders are that user's to remove.
    await fs.rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}
