import { AppError } from '../../domain/errors';
import type { CodeRunner, SourceCall, SourceLanguage, SourceRunner } from '../../domain/source-tool';
import { toolError } from '../../domain/tool-failure';
import { CODE_RESULT_LIMIT, timeoutOf, toOutcome, unlessAborted } from '../sandbox/source-outcome';
import type { ToolLog } from '../sandbox/tool-log';
import { createPythonSchemas } from './derive-schema';
import { findInterpreter, type Interpreter } from './interpreter';
import { createPackages, type PackageFolders } from './packages';
import { runPython, type Failure } from './run-request';
import type { PythonSettings } from './settings';

/** Tools and code in Python, each call in a sandboxed process of its own. */
export function createPythonLanguage(settings: PythonSettings, log: ToolLog): SourceLanguage {
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

async function prepare(settings: PythonSettings, log: ToolLog): Promise<Interpreter> {
  const python = await findInterpreter(settings);
  log.info(
    { python: python.executable, version: python.version, sandbox: settings.sandbox },
    'tools run in Python',
  );
  if (settings.sandbox === 'none')
    log.warn({}, 'TOOL_SANDBOX is none: tools can do whatever this server can');
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
    const end = await runPython(
      {
        kind: 'tool',
        name: tool.name,
        source,
        arguments: args,
        argumentsSchema: tool.argsJsonSchema,
        agentId: call.agentId,
        // Loading an agent costs a few queries; most tools don't look at theirs.
        agentState: JSON.stringify(/\bagent_state\b/.test(source) ? await call.agentState() : null),
        limit: tool.returnCharLimit,
        packages: folders,
        environment: environmentOf(call, tool.id),
        network: tool.network ?? settings.network,
        timeoutMs: timeoutOf(tool.effects, settings.timeoutMs),
        signal: call.signal,
      },
      python,
      settings,
    );
    const said = { ...end, value: String(end.value), error: end.error && toToolError(end.error) };
    const outcome = toOutcome(tool.name, said, tool.returnCharLimit);
    return end.memory.length === 0 ? outcome : { ...outcome, memory: end.memory };
  };
}

const environmentOf = (call: SourceCall, toolId: string): Readonly<Record<string, string>> => ({
  ...call.secrets,
  ...(call.agentId !== null && { LETTA_AGENT_ID: call.agentId }),
  LETTA_TOOL_ID: toolId,
  EVERTURN_IDEMPOTENCY_KEY: call.idempotencyKey,
});

function toToolError({ type, message, traceback, hint }: Failure) {
  const said = message === '' ? type : `${type}: ${message}`;
  return { summary: hint ? `${said} (${hint})` : said, trace: traceback || `${said}\n` };
}

function createRunPythonCode(settings: PythonSettings, interpreter: () => Promise<Interpreter>): CodeRunner {
  return async (code, call) => {
    const end = await runPython(
      {
        kind: 'code',
        name: 'code',
        source: code,
        arguments: {},
        argumentsSchema: null,
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
