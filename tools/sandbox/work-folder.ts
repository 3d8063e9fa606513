import fs from 'node:fs/promises';
import os from 'node:os';
import { makeOwnedFolder, removeLeftBehind } from './owned-folder';

const NAME = 'everturn-tool-';

/** Runs `work` with a folder that only this call knows; it is gone afterwards, whatever the tool made of it. */
export async function withWorkFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await makeOwnedFolder(await fs.realpath(os.tmpdir()), NAME);
  try {
    return await work(folder);
  } finally {
    await fs.rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Removes the folders of calls whose server was killed. */
export const removeLeftWorkFolders = (): Promise<void> => removeLeftBehind(os.tmpdir(), NAME);
