import type { CodeRunner, SourceCall, SourceLanguage, SourceRunner } from '../../domain/source-tool';
import type { ToolOutcome } from '../../domain/tool';
import type { ToolArguments } from '../../domain/tool-arguments';
import { toolError, truncateResult } from '../../domain/tool-failure';
import { toCodeModule } from './code-module';
import { deriveTypeScriptSchema } from './derive-schema';
import { removeLeftBehind } from '../python/work-folder';
import { createNpmPackages } from './npm-packages';
import { readSignature, type Signature } from './parameters';
import { fileNameOf, findFunction, type ExportedFunction } from './parse-source';
import { runJob, type Failure, type JobEnd } from './run-job';
import type { TypeScriptLog, TypeScriptSettings } from './settings';
import { SourceProblem } from './source-problem';

/** Longer than this, Temporal would take a call that may be repeated for lost. */
const LONGEST_REPEATABLE_MS = 110_000;
const CODE_RESULT_LIMIT = 1_000_000;

/** Tools and code in TypeScript and JavaScript, each call in a Deno process of its own that may do next to nothing. */
export function createTypeScriptLanguage(settings: TypeScriptSettings, log: TypeScriptLog): SourceLanguage {
  let tidied: Promise<void> | null = null;
  const tidy = () => (tidied ??= removeLeftBehind(new Date()));
  return {
    deriveSchema: deriveTypeScriptSchema,
    runTool: createRunTool(settings, { log, tidy }),
    runCode: { js: createRunCode('javascript', settings), ts: createRunCode('typescript', settings) },
  };
}

function createRunTool(
  settings: TypeScriptSettings,
  { log, tidy }: { readonly log: TypeScriptLog; readonly tidy: () => Promise<void> },
): SourceRunner {
  const packages = createNpmPackages(settings, log);
  return async (tool, args, call) => {
    await tidy();
    const source = tool.sourceCode ?? '';
    const { found, signature } = readTool(source, tool.sourceType, tool.name);
    const given = fitArguments(tool.name, signature, args);
    const isRepeatable = tool.effects !== undefined && tool.effects !== 'once';
    const end = await runJob(
      {
        kind: 'tool',
        name: tool.name,
        fileName: fileNameOf(tool.sourceType),
        source,
        exportName: found.exportName,
        style: signature.style,
        names: signature.parameters.map(({ name }) => name),
        arguments: given,
        limit: tool.returnCharLimit,
        packages: await unlessAborted(packages(tool.npmRequirements), call.signal),
        environment: environmentOf(call, tool.id),
        network: tool.network ?? settings.network,
        timeoutMs: isRepeatable ? Math.min(settings.timeoutMs, LONGEST_REPEATABLE_MS) : settings.timeoutMs,
        signal: call.signal,
      },
      settings,
    );
    return toOutcome(tool.name, end, tool.returnCharLimit);
  };
}

function readTool(
  source: string,
  sourceType: string,
  name: string,
): { readonly found: ExportedFunction; readonly signature: Signature } {
  try {
    const found = findFunction(source, sourceType, name);
    return { found, signature: readSignature(found.node, found.file) };
  } catch (error) {
    if (!(error instanceof SourceProblem)) throw error;
    throw toolError('ValueError', `The source code of ${name} can't be run: ${error.message}.`, {
      cause: error,
    });
  }
}

/**
 * The arguments by name. Null for a parameter that may be left out counts as left out: some models must send every
 * parameter. A missing or unknown one is a tool error.
 */
function fitArguments(name: string, { parameters }: Signature, args: ToolArguments): ToolArguments {
  const isLeftOut = (key: string) =>
    args[key] === null && parameters.some((each) => each.name === key && each.isOptional);
  const given = Object.entries(args).filter(([key]) => !isLeftOut(key));
  const unknown = given.find(([key]) => !parameters.some((each) => each.name === key));
  if (unknown) {
    const known = parameters.map((each) => each.name).join(', ') || 'none';
    throw toolError(
      'TypeError',
      `${name}() got an unexpected argument '${unknown[0]}' (parameters: ${known})`,
    );
  }
  return Object.fromEntries(given);
}

/** What the code finds in its environment. Deno knows a variable by a plain name only. */
function environmentOf(call: SourceCall, toolId: string): Readonly<Record<string, string>> {
  const secrets = Object.entries(call.secrets).filter(([name]) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  return {
    ...Object.fromEntries(secrets),
    ...(call.agentId !== null && { LETTA_AGENT_ID: call.agentId }),
    LETTA_TOOL_ID: toolId,
    EVERTURN_RUN_ID: call.runId,
    EVERTURN_STEP_ID: call.stepId,
    EVERTURN_TOOL_CALL_ID: call.toolCallId,
    EVERTURN_IDEMPOTENCY_KEY: call.idempotencyKey,
  };
}

function toOutcome(name: string, end: JobEnd, limit: number): ToolOutcome {
  const { value, length, error, stdout, stderr } = end;
  if (error) {
    return {
      status: 'error',
      result: `Error executing function ${name}: ${said(error)}`,
      stdout: asList(stdout),
      stderr: asList(stderr + (error.stack || `${said(error)}\n`)),
    };
  }
  return {
    status: 'success',
    result: cutTo(value ?? '', length, limit),
    stdout: asList(stdout),
    stderr: asList(stderr),
  };
}

const said = ({ name, message }: Failure): string => (message === '' ? name : `${name}: ${message}`);

/** The process kept `limit` characters of `length`; the note says so as for any other tool. */
function cutTo(kept: string, length: number, limit: number): string {
  if (length <= limit) return kept;
  return truncateResult(kept.padEnd(kept.length + length - limit, ' '), limit);
}

const asList = (text: string): readonly string[] => (text === '' ? [] : [text]);

function createRunCode(sourceType: string, settings: TypeScriptSettings): CodeRunner {
  return async (code, call) => {
    const end = await runJob(
      {
        kind: 'code',
        name: 'code',
        fileName: fileNameOf(sourceType),
        source: toCodeModule(code, sourceType),
        exportName: 'default',
        style: 'positional',
        names: [],
        arguments: {},
        limit: CODE_RESULT_LIMIT,
        packages: null,
        // Code that a model makes up as it goes gets neither secrets nor a network.
        environment: { EVERTURN_IDEMPOTENCY_KEY: call.idempotencyKey },
        network: false,
        timeoutMs: settings.timeoutMs,
        signal: call.signal,
      },
      settings,
    );
    const { value, error, stdout, stderr } = end;
    return {
      results: value === null ? [] : [value],
      stdout,
      stderr,
      error: error && { name: error.name, value: error.message, traceback: error.stack },
    };
  };
}

/** Stops waiting when the call is stopped; the installation goes on for whoever calls next. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error); // An AppError, see ToolCallContext.
    signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    if (signal.aborted) onAbort();
  });
}
