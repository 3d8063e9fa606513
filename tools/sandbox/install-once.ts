import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { toolError } from '../../domain/tool-failure';
import { makeOwnedFolder, removeLeftBehind } from './owned-folder';
import type { ToolLog } from './tool-log';

/** A set of packages. */
export interface PackageSet {
  /** As the user wrote it, for messages. */
  readonly names: readonly string[];
  /** All that tells this set from others. */
  readonly identity: unknown;
  /** Installs the set into an empty folder; returns the folder to keep, which is that one or below it. */
  readonly install: (folder: string) => Promise<string>;
  /** What a failed installation said. */
  readonly reasonOf: (error: unknown) => string;
}

/** Installs what is missing; resolves with the set's folder. A set that can't be installed is a tool error. */
export type InstallOnce = (set: PackageSet) => Promise<string>;

/**
 * Packages of tools, installed once for each set. A folder is there whole or not at all: it is filled under another name
 * and renamed, so processes that install the same set at once do not meet, and one that is killed leaves nothing that counts.
 */
export function createInstallOnce(packagesFolder: string, log: ToolLog): InstallOnce {
  const installing = new Map<string, Promise<void>>();
  let tidied: Promise<void> | null = null;
  return async (set) => {
    const name = createHash('sha256').update(JSON.stringify(set.identity)).digest('hex').slice(0, 32);
    const folder = path.join(packagesFolder, name);
    if (await exists(folder)) return folder;
    await (tidied ??= removeLeftBehind(packagesFolder, PARTIAL));
    const started = installing.get(folder) ?? install(set, folder, log);
    installing.set(folder, started);
    try {
      await started;
      return folder;
    } finally {
      installing.delete(folder);
    }
  };
}

const PARTIAL = 'partial-';

async function install(set: PackageSet, folder: string, log: ToolLog): Promise<void> {
  const packagesFolder = path.dirname(folder);
  await fs.mkdir(packagesFolder, { recursive: true });
  const partial = await makeOwnedFolder(packagesFolder, PARTIAL);
  const since = performance.now();
  log.info({ packages: set.names }, 'installing the packages of a tool');
  try {
    await moveOnce(await set.install(partial), folder);
    const ms = Math.round(performance.now() - since);
    log.info({ packages: set.names, ms }, 'installed the packages of a tool');
  } catch (cause) {
    const reason = set.reasonOf(cause);
    log.warn({ packages: set.names, reason }, 'the packages of a tool could not be installed');
    throw toolError(
      'RuntimeError',
      `The tool's packages (${set.names.join(', ')}) could not be installed: ${reason}`,
      { cause },
    );
  } finally {
    await fs.rm(partial, { recursive: true, force: true });
  }
}

/** Whoever comes second finds the same packages there and leaves them. */
async function moveOnce(from: string, to: string): Promise<void> {
  await fs.rename(from, to).catch(async (error: unknown) => {
    if (!(await exists(to))) throw error;
  });
}

const exists = (folder: string): Promise<boolean> =>
  fs.stat(folder).then(
    () => true,
    () => false,
  );
