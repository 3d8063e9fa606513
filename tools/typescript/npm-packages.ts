import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { toolError } from '../../domain/tool-failure';
import { createInstallOnce } from '../sandbox/install-once';
import type { ToolLog } from '../sandbox/tool-log';
import type { TypeScriptSettings } from './settings';

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

/** Packages of tools, by npm, without running any of their scripts. */
export function createNpmPackages(settings: Settings, log: ToolLog): NpmPackages {
  const installOnce = createInstallOnce(settings.packagesFolder, log);
  return async (requirements) => {
    const dependencies = toDependencies(requirements ?? []);
    const names = Object.entries(dependencies).map(([name, version]) => `${name}@${version}`);
    if (names.length === 0) return null;
    const folder = await installOnce({
      names,
      identity: dependencies,
      async install(partial) {
        const manifest = JSON.stringify({ private: true, dependencies });
        await fs.writeFile(path.join(partial, 'package.json'), manifest);
        await run('npm', NPM, {
          timeout: TIMEOUT_MS,
          maxBuffer: 8 << 20,
          cwd: partial,
          env: {
            ...settings.npmEnvironment,
            HOME: os.homedir(),
            PATH: settings.searchPath.join(path.delimiter),
          },
        });
        return partial;
      },
      reasonOf,
    });
    return { folder, dependencies };
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

function reasonOf(error: unknown): string {
  const { code, stderr = '', message } = error as { code?: unknown; stderr?: string; message: string }; // of execFile
  if (code === 'ENOENT') return 'there is no npm on the PATH of the server. Install it.';
  const lines = stderr.split('\n').filter((line) => line.trim() !== '' && !/A complete log of/.test(line));
  const text = lines.slice(0, 4).join(' ').replaceAll('npm error ', '');
  return (text || message).slice(0, 1_000);
}
