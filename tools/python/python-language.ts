import { AppError } from '../../domain/errors';
import type { CodeRunner, SourceCall, SourceLanguage, SourceRunner } from '../../domain/source-tool';
import type { ToolOutcome } from '../../domain/tool';
import { toolError, truncateResult } from '../../domain/tool-failure';
import { createPythonSchemas } from './derive-schema';
import { findInterpreter, type Interpreter } from './interpreter';
import { createPackages, type PackageFolders } from './packages';
import { runPython, type Failure, type PythonEnd } from './run-request';
import type { PythonLog, PythonSettings } from './settings';
import { removeLeftBehind } from './work-folder';

/** Longer than this, Temporal would take a call that may be repeated for lost. */
const LONGEST_REPEATABLE_MS = 110_000;
const CODE_RESULT_LIMIT = 1_000_000;

/** Tools and code in Python, each call in a sandboxed process of its own. */
export function createPythonLanguage(settings: PythonSettings, log: PythonLog): SourceLanguage {
  let found: Promise<Interpreter> | null = null;
  const interpreter = () => {
    found ??= prepare(settings, log);
    // An interpreter that is installed later is found by the next call.
    found.catch(() => (found = null));
    return found;
  };
  const packages = createPackages(settings, log);
  // A call that can't begin has done nothing, so it is an error of the tool and not a lost call.
  const forTools = () =>
    interpreter().catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error;
      throw toolError('RuntimeError', error.message, { cause: error });
    });
  return {
    deriveSchema: createPythonSchemas(interpreter),
    runTool: createRunTool(settings, { interpreter: forTools, packages }),
    runCode: { python: createRunPythonCode(settings, forTools) },
  };
}

async function prepare(settings: PythonSettings, log: PythonLog): Promise<Interpreter> {
  const python = await findInterpreter(settings);
  log.info(
    { python: python.executable, version: python.version, sandbox: settings.sandbox },
    'tools run in Python',
  );
  if (settings.sandbox === 'none')
    log.warn({}, 'TOOL_SANDBOX is none: tools can do whatever this server can');
  await removeLeftBehind(new Date());
  return python;
}

interface Ready {
  readonly interpreter: () => Promise<Interpreter>;
  readonly packages: PackageFolders;
}

function createRunTool(settings: PythonSettings, { interpreter, packages }: Ready): SourceRunner {
  return async (tool, args, call) => {
    const source = tool.sourceCode ?? '';
    const python = await interpreter();
    const folders = await unlessAborted(packages(tool.pipRequirements, python), call.signal);
    const isRepeatable = tool.effects !== undefined && tool.effects !== 'once';
    const end = await runPython(
      {
        kind: 'tool',
        name: tool.name,
        source,
        arguments: args,
        agentId: call.agentId,
        // Loading an agent costs a few queries; most tools don't look at theirs.
        agentState: JSON.stringify(/\bagent_state\b/.test(source) ? await call.agentState() : null),
        limit: tool.returnCharLimit,
        packages: folders,
        environment: environmentOf(call, tool.id),
        network: tool.network ?? settings.network,
        timeoutMs: isRepeatable ? Math.min(settings.timeoutMs, LONGEST_REPEATABLE_MS) : settings.timeoutMs,
        signal: call.signal,
      },
      python,
      settings,
    );
    return toOutcome(tool.name, end, tool.returnCharLimit);
  };
}

const environmentOf = (call: SourceCall, toolId: string): Readonly<Record<string, string>> => ({
  ...call.secrets,
  ...(call.agentId !== null && { LETTA_AGENT_ID: call.agentId }),
  LETTA_TOOL_ID: toolId,
  EVERTURN_IDEMPOTENCY_KEY: call.idempotencyKey,
});

function toOutcome(
  name: string,
  { value, length, error, stdout, stderr }: PythonEnd,
  limit: number,
): ToolOutcome {
  if (error) {
    const said = error.message === '' ? error.type : `${error.type}: ${error.message}`;
    return {
      status: 'error',
      result: `Error executing function ${name}: ${said}${error.hint ? ` (${error.hint})` : ''}`,
      stdout: asList(stdout),
      stderr: asList(stderr + (error.traceback || `${said}\n`)),
    };
  }
  return {
    status: 'success',
    result: cutTo(String(value), length, limit),
    stdout: asList(stdout),
    stderr: asList(stderr),
  };
}

/** The process kept `limit` characters of `length`; the note says so as for any other tool. */
function cutTo(kept: string, length: number, limit: number): string {
  if (length <= limit) return kept;
  return truncateResult(kept.padEnd(kept.length + length - limit, ' '), limit);
}

const asList = (text: string): readonly string[] => (text === '' ? [] : [text]);

function createRunPythonCode(settings: PythonSettings, interpreter: () => Promise<Interpreter>): CodeRunner {
  return async (code, call) => {
    const end = await runPython(
      {
        kind: 'code',
        name: 'code',
        source: code,
        arguments: {},
        agentId: call.agentId,
        agentState: 'null',
        limit: CODE_RESULT_LIMIT,
        packages: [],
        // Code that a model makes up as it goes gets neither secrets nor a network.
        environment: { EVERTURN_IDEMPOTENCY_KEY: call.idempotencyKey },
        network: false,
        timeoutMs: settings.timeoutMs,
        signal: call.signal,
      },
      await interpreter(),
      settings,
    );
    const { stdout, stderr } = end;
    return {
      results: end.error ? [] : [end.value].flat(),
      stdout,
      stderr,
      error: end.error && toCodeError(end.error),
    };
  };
}

const toCodeError = ({ type, message, traceback }: Failure) => ({ name: type, value: message, traceback });

/** Stops waiting when the call is stopped; the installation goes on for whoever calls next. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error); // An AppError, see ToolCallContext.
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  });
}
