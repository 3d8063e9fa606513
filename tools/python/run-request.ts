import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import type { MemoryWrite } from '../../domain/tool';
import { toolError } from '../../domain/tool-failure';
import { runSandboxed, type SandboxedEnd } from '../sandbox/sandboxed-process';
import { withWorkFolder } from '../sandbox/work-folder';
import { findBubblewrap, underBubblewrap } from './bubblewrap';
import { watchFolder } from './folder-watch';
import type { Interpreter } from './interpreter';
import { FILE_LIMIT_BYTES, type PythonSettings } from './settings';

const SCRIPTS = __dirname;

/** What one process runs: a tool's function, or a piece of code. */
export interface PythonJob {
  readonly kind: 'tool' | 'code';
  readonly name: string;
  readonly source: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Where the arguments have a schema of their own, which may name classes. */
  readonly argumentsSchema: Readonly<Record<string, unknown>> | null;
  readonly agentId: string | null;
  /** JSON; parsed by the tool's process alone. */
  readonly agentState: string;
  /** How many characters of the result are kept. */
  readonly limit: number;
  readonly packages: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly network: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const Failure = z.object({
  type: z.string(),
  message: z.string(),
  traceback: z.string(),
  hint: z.string().nullable(),
});
export type Failure = z.infer<typeof Failure>;
const Answer = z.union([
  z.object({ refused: z.string() }),
  z.object({ error: Failure }),
  z.object({
    value: z.string(),
    length: z.int(),
    memory: z.array(z.object({ label: z.string(), before: z.string(), after: z.string() })),
  }),
  z.object({ value: z.array(z.string()) }),
]);

/** What a process said, with what it printed. `error` is set too when it ended without a word. */
export interface PythonEnd {
  readonly value: string | readonly string[];
  readonly length: number;
  readonly memory: readonly MemoryWrite[];
  readonly error: Failure | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a job in the sandbox. Rejects with the signal's reason when it is stopped, after its processes are dead. */
export function runPython(job: PythonJob, python: Interpreter, settings: PythonSettings): Promise<PythonEnd> {
  return withWorkFolder(async (folder) => {
    const nonce = randomBytes(24).toString('hex');
    const end = await runSandboxed({
      command: commandOf({ job, python, settings, folder }),
      environment: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: folder, TMPDIR: folder },
      input: JSON.stringify(requestOf({ job, settings, folder, nonce })),
      nonce,
      answersOn: 'descriptor 3',
      timeoutMs: job.timeoutMs,
      signal: job.signal,
      folder,
      watch: (pid, onFull) => watchFolder(folder, pid, onFull),
    });
    // A tool that was done when it was stopped is done: the caller keeps what it brought.
    if (end.stoppedFor === 'abort' && end.answer === undefined) throw job.signal.reason;
    return read(end, job);
  });
}

interface Place {
  readonly job: PythonJob;
  readonly settings: PythonSettings;
  readonly folder: string;
}

function commandOf({
  job,
  python,
  settings,
  folder,
}: Place & { readonly python: Interpreter }): readonly [string, ...string[]] {
  const script = path.join(SCRIPTS, 'run_tool.py');
  const command = [python.executable, '-I', '-S', '-X', 'utf8', script] as const;
  if (settings.sandbox !== 'bwrap') return command;
  const program = findBubblewrap(settings.searchPath);
  if (!program) {
    throw toolError(
      'RuntimeError',
      'This server cannot run tools: TOOL_SANDBOX is bwrap and there is no bwrap on its PATH. Install bubblewrap.',
    );
  }
  const installation = path.dirname(path.dirname(python.executable));
  const readable = [SCRIPTS, ...(installation === '/usr' ? [] : [installation]), ...job.packages];
  return underBubblewrap(program, { command, work: folder, readable, network: job.network });
}

function requestOf({ job, settings, folder, nonce }: Place & { readonly nonce: string }): object {
  return {
    kind: job.kind,
    name: job.name,
    source: job.source,
    arguments: job.arguments,
    argumentsSchema: job.argumentsSchema,
    agentId: job.agentId,
    agentState: job.agentState,
    limit: job.limit,
    packages: job.packages,
    environment: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: folder, TMPDIR: folder, ...job.environment },
    nonce,
    // Below bubblewrap the parent is bubblewrap, which ends with this process.
    parent: settings.sandbox === 'bwrap' ? null : process.pid,
    policy: {
      mode: settings.sandbox,
      work: folder,
      network: job.network,
      readable: job.packages,
      limits: {
        memoryBytes: settings.memoryBytes,
        fileBytes: FILE_LIMIT_BYTES,
        cpuSeconds: Math.ceil(job.timeoutMs / 1_000) + 5,
      },
    },
  };
}

function read(end: SandboxedEnd, job: PythonJob): PythonEnd {
  const { stdout, stderr } = end;
  const answer = Answer.safeParse(end.answer);
  if (!answer.success) {
    return { value: '', length: 0, memory: [], error: lost(end, job), stdout, stderr };
  }
  const said = answer.data;
  if ('refused' in said) throw toolError('RuntimeError', `This server cannot run tools: ${said.refused}.`);
  if ('error' in said) return { value: '', length: 0, memory: [], error: said.error, stdout, stderr };
  const { length, memory } = 'length' in said ? said : { length: 0, memory: [] };
  return { value: said.value, length, memory, error: null, stdout, stderr };
}

/** Why a process ended without an answer, in the terms of Python. */
function lost({ stoppedFor, code, signal }: SandboxedEnd, job: PythonJob): Failure {
  const error = (type: string, message: string): Failure => ({ type, message, traceback: '', hint: null });
  if (stoppedFor === 'timeout') {
    return error(
      'TimeoutError',
      `${job.name} took longer than ${job.timeoutMs / 1_000} seconds and was stopped`,
    );
  }
  if (stoppedFor === 'folder') {
    return error('OSError', `${job.name} filled its folder beyond what a tool may keep and was stopped`);
  }
  // A supervisor ends with 128 and the number of the signal, as shells do.
  const how = signal ?? (code !== null && code > 128 ? `signal ${code - 128}` : `exit code ${code}`);
  return error('RuntimeError', `the process of ${job.name} ended without a result (${how})`);
}
