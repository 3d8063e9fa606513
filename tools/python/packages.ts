import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { toolError } from '../../domain/tool-failure';
import { createInstallOnce } from '../sandbox/install-once';
import type { ToolLog } from '../sandbox/tool-log';
import type { Interpreter } from './interpreter';
import type { PythonSettings } from './settings';

const run = promisify(execFile);
const TIMEOUT_MS = 300_000;

type Requirements = readonly Readonly<Record<string, unknown>>[] | null;
/** Installs what is missing and returns the folder to import from; none for a tool without requirements. */
export type PackageFolders = (requirements: Requirements, python: Interpreter) => Promise<readonly string[]>;

/** Packages of tools, by pip. Only wheels: building a source would run its code outside of the sandbox. */
export function createPackages(
  settings: Pick<PythonSettings, 'packagesFolder' | 'pipEnvironment' | 'searchPath'>,
  log: ToolLog,
): PackageFolders {
  const installOnce = createInstallOnce(settings.packagesFolder, log);
  return async (requirements, python) => {
    const specifiers = toSpecifiers(requirements ?? []);
    if (specifiers.length === 0) return [];
    const folder = await installOnce({
      names: specifiers,
      identity: [specifiers, python.executable, python.version],
      async install(partial) {
        const target = path.join(partial, 'packages');
        await run(python.executable, [...PIP, '--target', target, ...specifiers], {
          timeout: TIMEOUT_MS,
          maxBuffer: 8 << 20,
          cwd: partial,
          env: {
            ...settings.pipEnvironment,
            HOME: partial,
            PATH: settings.searchPath.join(path.delimiter),
          },
        });
        await fs.chmod(target, 0o755);
        return target;
      },
      reasonOf: lastLines,
    });
    return [folder];
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

const PIP = [
  ...['-I', '-m', 'pip', 'install', '--only-binary', ':all:', '--no-input', '--disable-pip-version-check'],
  ...['--no-warn-script-location', '--no-compile', '--quiet', '--no-cache-dir'],
] as const;

function lastLines(error: unknown): string {
  const printed = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  if (/No module named pip/.test(printed)) return 'this Python has no pip. Install it, or set TOOL_PYTHON.';
  const lines = printed.split('\n').filter((line) => line.trim() !== '');
  return (
    lines.slice(-3).join(' ').slice(0, 1_000) ||
    (error instanceof Error ? error.message : String(error)).slice(0, 1_000)
  );
}
