import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { runSandboxed, type SandboxedEnd } from '../sandbox/sandboxed-process';
import { withWorkFolder } from '../sandbox/work-folder';
import { denoCommand, type Place } from './deno-command';
import { openGateway } from './gateway';
import type { TypeScriptSettings } from './settings';

/** What one process runs: a tool's function, or a piece of code. */
export interface DenoJob {
  readonly kind: 'tool' | 'code';
  readonly name: string;
  readonly fileName: string;
  readonly source: string;
  readonly exportName: string;
  readonly style: 'positional' | 'object';
  /** The parameters in their order. */
  readonly names: readonly string[];
  readonly arguments: Readonly<Record<string, unknown>>;
  /** How many characters of the result are kept. */
  readonly limit: number;
  /** A folder that holds `node_modules`, and the packages that are asked for. */
  readonly packages: {
    readonly folder: string;
    readonly dependencies: Readonly<Record<string, string>>;
  } | null;
  readonly environment: Readonly<Record<string, string>>;
  readonly network: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const Failure = z.object({ name: z.string(), message: z.string(), stack: z.string() });
export type Failure = z.infer<typeof Failure>;
const Answer = z.union([
  z.object({ error: Failure }),
  z.object({ value: z.string().optional(), length: z.int() }),
]);

/** What a process said, with what it printed. `error` is set too when it ended without a word. */
export interface JobEnd {
  /** Null when there is no value. */
  readonly value: string | null;
  readonly length: number;
  readonly error: Failure | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a job in Deno. Rejects with the signal's reason when it is stopped, after its processes are dead. */
export async function runJob(job: DenoJob, settings: TypeScriptSettings): Promise<JobEnd> {
  const gateway = job.network ? await openGateway(settings.allowAddress) : null;
  try {
    return await withWorkFolder(async (folder) => {
      await prepare(job, folder);
      const nonce = randomBytes(24).toString('hex');
      const place = { job, folder, gateway };
      const end = await runSandboxed({
        command: denoCommand(place, settings),
        // Deno keeps caches in its folder, and the code's own storage with them: there is none to keep it in.
        environment: { DENO_DIR: '/dev/null/deno', DENO_NO_UPDATE_CHECK: '1', NO_COLOR: '1' },
        folder,
        input: JSON.stringify(requestOf(place, nonce)),
        nonce,
        // Deno lets code write to no other descriptor.
        answersOn: 'stdout',
        timeoutMs: job.timeoutMs,
        signal: job.signal,
      });
      // A tool that was done when it was stopped is done: the caller keeps what it brought.
      if (end.stoppedFor === 'abort' && end.answer === undefined) throw job.signal.reason;
      return read(end, job);
    });
  } finally {
    await gateway?.close();
  }
}

async function prepare({ fileName, source, packages }: DenoJob, folder: string): Promise<void> {
  await fs.writeFile(path.join(folder, fileName), source, { mode: 0o600 });
  if (packages === null) return;
  const manifest = { type: 'module', dependencies: packages.dependencies };
  await fs.writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
  await fs.symlink(path.join(packages.folder, 'node_modules'), path.join(folder, 'node_modules'));
}

const requestOf = ({ job, folder, gateway }: Place, nonce: string): object => ({
  kind: job.kind,
  nonce,
  module: pathToFileURL(path.join(folder, job.fileName)).href,
  folder: `${pathToFileURL(folder).href}/`,
  exportName: job.exportName,
  style: job.style,
  names: job.names,
  arguments: job.arguments,
  limit: job.limit,
  environment: job.environment,
  gateway: gateway && { url: gateway.url, token: gateway.token },
});

function read(end: SandboxedEnd, job: DenoJob): JobEnd {
  const answer = Answer.safeParse(end.answer);
  const printed = { stdout: end.stdout, stderr: end.stderr };
  if (!answer.success) return { ...lost(end, job), value: null, length: 0, stdout: end.stdout };
  if ('error' in answer.data) return { ...printed, value: null, length: 0, error: answer.data.error };
  return { ...printed, value: answer.data.value ?? null, length: answer.data.length, error: null };
}

/** Why a process ended without an answer. What V8 prints of a crash is its own business. */
function lost(
  end: SandboxedEnd,
  { name, timeoutMs }: DenoJob,
): { readonly error: Failure; readonly stderr: string } {
  const [stderr = ''] = end.stderr.split(/^(?:#|<--- Last few GCs --->|=+ C stack trace|\[\d+:0x)/m);
  const error = (type: string, message: string) => ({ error: { name: type, message, stack: '' }, stderr });
  if (end.stoppedFor === 'timeout')
    return error('TimeoutError', `${name} took longer than ${timeoutMs / 1_000} seconds and was stopped`);
  if (end.signal !== null)
    return error(
      'RangeError',
      `the process of ${name} was ended by ${end.signal}, most likely for want of memory`,
    );
  return error('Error', `the process of ${name} ended without a result (exit code ${end.code})`);
}
