import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { toolError } from '../../domain/tool-failure';
import type { Interpreter } from './interpreter';
import type { PythonLog, PythonSettings } from './settings';

const run = promisify(execFile);
const TIMEOUT_MS = 300_000;

type Requirements = readonly Readonly<Record<string, unknown>>[] | null;
/** Installs what is missing and returns the folder to import from; none for a tool without requirements. */
export type PackageFolders = (requirements: Requirements, python: Interpreter) => Promise<readonly string[]>;

/**
 * Packages of tools, installed once for each set of requirements. A folder is there whole or not at all: it is filled
 * under another name and renamed, so processes that install the same set at once do not meet. Only wheels are
 * installed: building a source would run its code outside of the sandbox.
 */
export function createPackages(
  settings: Pick<PythonSettings, 'packagesFolder' | 'pipEnvironment' | 'searchPath'>,
  log: PythonLog,
): PackageFolders {
  const installing = new Map<string, Promise<string>>();
  return async (requirements, python) => {
    const specifiers = toSpecifiers(requirements ?? []);
    if (specifiers.length === 0) return [];
    const facts = JSON.stringify([specifiers, python.executable, python.version]);
    const folder = path.join(
      settings.packagesFolder,
      createHash('sha256').update(facts).digest('hex').slice(0, 32),
    );
    if (await exists(folder)) return [folder];
    const started = installing.get(folder) ?? install({ folder, specifiers, python }, settings, log);
    installing.set(folder, started);
    try {
      return [await started];
    } finally {
      installing.delete(folder);
    }
  };
}

/** Requirements as pip reads them, sorted. Nothing but names and versions: no options, paths or addresses. */
export function toSpecifiers(requirements: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  const specifiers = requirements.map(({ name, version }) => {
    if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._-]+\])?$/.test(name))
      throw toolError('ValueError', `'${String(name).slice(0, 100)}' is not the name of a Python package.`);
    if (version === null || version === undefined || version === '') return name;
    if (typeof version !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9.!+_*-]*$/.test(version))
      throw toolError('ValueError', `The version of ${name} must be text such as '1.2.3'.`);
    return `${name}==${version}`;
  });
  return [...new Set(specifiers)].sort();
}

interface Installation {
  readonly folder: string;
  readonly specifiers: readonly string[];
  readonly python: Interpreter;
}

async function install(
  { folder, specifiers, python }: Installation,
  settings: Pick<PythonSettings, 'packagesFolder' | 'pipEnvironment' | 'searchPath'>,
  log: PythonLog,
): Promise<string> {
  await fs.mkdir(settings.packagesFolder, { recursive: true });
  const partial = await fs.mkdtemp(`${folder}.`);
  const since = performance.now();
  log.info({ packages: specifiers }, 'installing the packages of a tool');
  try {
    const target = path.join(partial, 'packages');
    await run(python.executable, [...PIP, '--target', target, ...specifiers], {
      timeout: TIMEOUT_MS,
      maxBuffer: 8 << 20,
      cwd: partial,
      env: { ...settings.pipEnvironment, HOME: partial, PATH: settings.searchPath.join(path.delimiter) },
    });
    await fs.chmod(target, 0o755);
    await moveOnce(target, folder);
    log.info(
      { packages: specifiers, ms: Math.round(performance.now() - since) },
      'installed the packages of a tool',
    );
    return folder;
  } catch (error) {
    const reason = lastLines(error);
    log.warn({ packages: specifiers, reason }, 'the packages of a tool could not be installed');
    throw toolError(
      'RuntimeError',
      `The tool's packages (${specifiers.join(', ')}) could not be installed: ${reason}`,
      {
        cause: error,
      },
    );
  } finally {
    await fs.rm(partial, { recursive: true, force: true });
  }
}

const PIP = [
  ...['-I', '-m', 'pip', 'install', '--only-binary', ':all:', '--no-input', '--disable-pip-version-check'],
  ...['--no-warn-script-location', '--no-compile', '--quiet', '--no-cache-dir'],
] as const;

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

function lastLines(error: unknown): string {
  const printed = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  if (/No module named pip/.test(printed)) return 'this Python has no pip. Install it, or set TOOL_PYTHON.';
  const lines = printed.split('\n').filter((line) => line.trim() !== '');
  return (
    lines.slice(-3).join(' ').slice(0, 1_000) ||
    (error instanceof Error ? error.message : String(error)).slice(0, 1_000)
  );
}
