import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { toolError } from '../../domain/tool-failure';
import type { TypeScriptLog, TypeScriptSettings } from './settings';

const run = promisify(execFile);
const TIMEOUT_MS = 300_000;

export type Requirements = readonly Readonly<Record<string, unknown>>[] | null;
export interface InstalledPackages {
  /** Holds `node_modules`. */
  readonly folder: string;
  readonly dependencies: Readonly<Record<string, string>>;
}
/** Installs what is missing; null for a tool without requirements. */
export type NpmPackages = (requirements: Requirements) => Promise<InstalledPackages | null>;

type Settings = Pick<TypeScriptSettings, 'packagesFolder' | 'npmEnvironment' | 'searchPath'>;

/**
 * Packages of tools, installed by npm outside of the sandbox, once for each set of requirements, without running any of
 * their scripts. A folder is there whole or not at all: it is filled under another name and renamed.
 */
export function createNpmPackages(settings: Settings, log: TypeScriptLog): NpmPackages {
  const installing = new Map<string, Promise<void>>();
  return async (requirements) => {
    const dependencies = toDependencies(requirements ?? []);
    if (Object.keys(dependencies).length === 0) return null;
    const hash = createHash('sha256').update(JSON.stringify(dependencies)).digest('hex').slice(0, 32);
    const folder = path.join(settings.packagesFolder, hash);
    if (await exists(folder)) return { folder, dependencies };
    const started = installing.get(folder) ?? install({ folder, dependencies }, settings, log);
    installing.set(folder, started);
    try {
      await started;
      return { folder, dependencies };
    } finally {
      installing.delete(folder);
    }
  };
}

/** Requirements as npm reads them, sorted. Nothing but names and versions: no paths, addresses or aliases. */
export function toDependencies(
  requirements: readonly Readonly<Record<string, unknown>>[],
): Readonly<Record<string, string>> {
  const pairs = requirements.map(({ name, version }): readonly [string, string] => {
    if (typeof name !== 'string' || !/^(@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/.test(name))
      throw toolError('ValueError', `'${String(name).slice(0, 100)}' is not the name of an npm package.`);
    if (version === null || version === undefined || version === '') return [name, 'latest'];
    if (typeof version !== 'string' || !/^[A-Za-z0-9.^~<>=*| +-]+$/.test(version))
      throw toolError('ValueError', `${JSON.stringify(version).slice(0, 100)} is not a version of ${name}.`);
    return [name, version];
  });
  return Object.fromEntries(pairs.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const NPM = ['install', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'] as const; // prettier-ignore

async function install(
  { folder, dependencies }: InstalledPackages,
  settings: Settings,
  log: TypeScriptLog,
): Promise<void> {
  await fs.mkdir(settings.packagesFolder, { recursive: true });
  const partial = await fs.mkdtemp(`${folder}.`);
  const since = performance.now();
  log.info({ packages: dependencies }, 'installing the npm packages of a tool');
  try {
    await fs.writeFile(path.join(partial, 'package.json'), JSON.stringify({ private: true, dependencies }));
    await run('npm', NPM, {
      timeout: TIMEOUT_MS,
      maxBuffer: 8 << 20,
      cwd: partial,
      env: { ...settings.npmEnvironment, HOME: os.homedir(), PATH: settings.searchPath.join(path.delimiter) },
    });
    await moveOnce(partial, folder);
    const ms = Math.round(performance.now() - since);
    log.info({ packages: dependencies, ms }, 'installed the npm packages of a tool');
  } catch (cause) {
    const reason = reasonOf(cause);
    const names = Object.entries(dependencies).map(([name, version]) => `${name}@${version}`);
    log.warn({ packages: dependencies, reason }, 'the npm packages of a tool could not be installed');
    throw toolError(
      'RuntimeError',
      `The tool's packages (${names.join(', ')}) could not be installed: ${reason}`,
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

function reasonOf(error: unknown): string {
  const { code, stderr = '', message } = error as { code?: unknown; stderr?: string; message: string }; // of execFile
  if (code === 'ENOENT') return 'there is no npm on the PATH of the server. Install it.';
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/A complete log of/.test(line));
  const text = lines.slice(0, 4).join(' ').replaceAll('npm error ', '');
  return (text || message).slice(0, 1_000);
}
