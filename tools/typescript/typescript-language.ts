import type { CodeRunner, SourceCall, SourceLanguage, SourceRunner } from '../../domain/source-tool';
import type { ToolArguments } from '../../domain/tool-arguments';
import { toolError } from '../../domain/tool-failure';
import { CODE_RESULT_LIMIT, timeoutOf, toOutcome, unlessAborted } from '../sandbox/source-outcome';
import type { ToolLog } from '../sandbox/tool-log';
import { toCodeModule } from './code-module';
import { deriveTypeScriptSchema } from './derive-schema';
import { createNpmPackages } from './npm-packages';
import { readSignature, type Signature } from './parameters';
import { fileNameOf, findFunction, type ExportedFunction } from './parse-source';
import { runJob, type Failure } from './run-job';
import type { TypeScriptSettings } from './settings';
import { SourceProblem } from './source-problem';

/** Tools and code in TypeScript and JavaScript, each call in a Deno process of its own that may do next to nothing. */
export function createTypeScriptLanguage(settings: TypeScriptSettings, log: ToolLog): SourceLanguage {
  return {
    deriveSchema: deriveTypeScriptSchema,
    runTool: createRunTool(settings, log),
    runCode: { js: createRunCode('javascript', settings), ts: createRunCode('typescript', settings) },
  };
}

function createRunTool(settings: TypeScriptSettings, log: ToolLog): SourceRunner {
  const packages = createNpmPackages(settings, log);
  return async (tool, args, call) => {
    const source = tool.sourceCode ?? '';
    const { found, signature } = readTool(source, tool.sourceType, tool.name);
    const given = fitArguments(tool.name, signature, args);
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
        timeoutMs: timeoutOf(tool.effects, settings.timeoutMs),
        signal: call.signal,
      },
      settings,
    );
    const said = { ...end, value: end.value ?? '', error: end.error && toToolError(end.error) };
    return toOutcome(tool.name, said, tool.returnCharLimit);
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

function toToolError({ name, message, stack }: Failure) {
  const summary = message === '' ? name : `${name}: ${message}`;
  return { summary, trace: stack || `${summary}\n` };
}

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
