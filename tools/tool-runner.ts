import { AppError, isRetryable } from '../domain/errors';
import type { McpToolCaller } from '../domain/mcp';
import type { MemoryTransaction } from '../domain/ports';
import type { SourceCall, SourceLanguage } from '../domain/source-tool';
import type { Tool, ToolCallContext, ToolOutcome, ToolProbed } from '../domain/tool';
import { checkToolArguments, isBuiltin, type ToolArguments } from '../domain/tool-arguments';
import {
  cutOutcome,
  failedOutcome,
  isToolError,
  succeededOutcome,
  toolError,
  toThrownError,
} from '../domain/tool-failure';
import type { TriedTool } from '../domain/tool-run';
import type { ToolModule, Write } from './handler';
import { type ReadDeps, readHandlersOf, transactionalHandlers, UNCUT } from './registry';

/**
 * Runs tool calls. What a tool does wrong is an outcome the model reads, cut to the tool's limit. Only what a further
 * attempt may mend (the database is away) and a cancellation are thrown.
 */
export interface ToolRunner {
  /** Whether the tool must go through `runTransactional`. */
  isTransactional(tool: Tool): boolean;
  run(tool: Tool, args: ToolArguments, context: ToolCallContext): Promise<ToolOutcome>;
  /** Like `run`, without an agent: a source that is no agent's tool, or a tool of an MCP server. */
  tryOut(tool: TriedTool, args: ToolArguments, call: SourceCall): Promise<ToolOutcome>;
  /** Like `run`, inside the transaction that stores the outcome. Writes nothing if it fails. */
  runTransactional(
    tool: Tool,
    args: ToolArguments,
    context: ToolCallContext,
    memory: MemoryTransaction,
  ): Promise<ToolOutcome>;
  /** Whether the tool can say what became of a call whose process was lost. */
  hasProbe(tool: Tool): boolean;
  /** Asks it; throws what it throws. */
  probe(tool: Tool, args: ToolArguments, context: ToolCallContext): Promise<ToolProbed>;
}

export interface ToolRunnerDeps extends Omit<ReadDeps, 'sources'> {
  /** Runs tools of MCP servers. */
  readonly mcp?: McpToolCaller;
  /** Runs tools that are stored as source code; without it they answer that this server cannot run them. */
  readonly sources?: Pick<SourceLanguage, 'runTool' | 'runCode'>;
  /** An agent as the API shows it, for tools that ask for `agent_state`. */
  readonly agentState?: (agentId: string) => Promise<Readonly<Record<string, unknown>> | null>;
  readonly log: { warn(facts: object, message: string): void };
}

/** The runner of the built-in tools and of those that are stored as source code. */
export function createToolRunner(deps: ToolRunnerDeps): ToolRunner {
  const { log, modules = [] } = deps;
  const readHandlers = readHandlersOf(deps);
  const probeOf = probesOf(modules);
  const transactionalOf = (tool: Tool) =>
    isBuiltin(tool) ? transactionalHandlers.get(tool.name) : undefined;
  const readHandlerOf = (tool: Tool) => (isBuiltin(tool) ? readHandlers.get(tool.name) : undefined);
  const runSource = sourceRunnerOf(deps);

  /** The outcome of a call that threw, unless the error belongs to the turn. */
  function failed(tool: CutTool, context: CallIds, thrown: unknown): ToolOutcome {
    if (context.signal.aborted) throw stopped(tool, context.signal, thrown);
    const error = toThrownError(thrown);
    if (isForTheTurn(error)) throw error;
    if (!(error instanceof AppError))
      log.warn({ err: error, tool: tool.name, ...idsOf(context) }, 'a tool broke');
    return cut(tool, failedOutcome(tool.name, error));
  }

  return {
    isTransactional: (tool) => transactionalOf(tool) !== undefined,

    async run(tool, args, context) {
      try {
        context.signal.throwIfAborted();
        if (isFromSource(tool)) return cut(tool, await runSource(tool, args, context));
        if (deps.mcp?.runs(tool)) return cut(tool, await deps.mcp.call(tool, args, context));
        const handler = readHandlerOf(tool) ?? cannotRun(tool);
        return cut(tool, succeededOutcome(await handler(checkToolArguments(tool, args), context)));
      } catch (error) {
        return failed(tool, context, error);
      }
    },

    async tryOut(tool, args, call) {
      return startTrial(deps, tool, args, call).then(
        (outcome) => cut(tool, outcome),
        (error: unknown) => failed(tool, call, error),
      );
    },

    async runTransactional(tool, args, context, memory) {
      // Reading stays outside of the try: its failures are the database's, not the tool's.
      const decide = await transactionalOf(tool)?.(memory);
      let write: Write;
      try {
        context.signal.throwIfAborted();
        write = (decide ?? cannotRun(tool))(checkToolArguments(tool, args), context);
      } catch (error) {
        return failed(tool, context, error);
      }
      try {
        return cut(tool, succeededOutcome(await write(memory)));
      } catch (error) {
        return failed(tool, context, requireToolError(error));
      }
    },

    hasProbe: (tool) => probeOf(tool) !== undefined,

    async probe(tool, args, context) {
      const probe = probeOf(tool);
      if (!probe) return { outcome: 'unknown' };
      const answer = await probe(args, context);
      if (answer.outcome !== 'done') return answer;
      return { outcome: 'done', result: cut(tool, succeededOutcome(answer.result)) };
    },
  };
}

/** A failure that the tool has caused; any other is the database's and is thrown on. */
function requireToolError(error: unknown): Error {
  if (error instanceof Error && isToolError(error)) return error;
  throw error;
}

function probesOf(modules: readonly ToolModule[]) {
  const probes = new Map(modules.flatMap(({ name, probe }) => (probe ? [[name, probe]] : [])));
  return (tool: Tool) => (isBuiltin(tool) ? probes.get(tool.name) : undefined);
}

const isFromSource = (tool: Tool): boolean => tool.toolType === 'custom' && tool.sourceCode !== null;

const NO_SOURCES: Pick<SourceLanguage, 'runTool'> = { runTool: (tool) => Promise.reject(unrunnable(tool)) };

const startTrial = (
  { mcp, sources }: ToolRunnerDeps,
  ...[tool, args, call]: Parameters<ToolRunner['tryOut']>
): Promise<ToolOutcome> =>
  mcp?.runs(tool) ? mcp.call(tool, args, call) : (sources ?? NO_SOURCES).runTool(tool, args, call);

const sourceRunnerOf =
  ({ sources, agentState }: Pick<ToolRunnerDeps, 'sources' | 'agentState'>) =>
  (tool: Tool, args: ToolArguments, context: ToolCallContext): Promise<ToolOutcome> => {
    const call: SourceCall = {
      ...context,
      agentState: () => agentState?.(context.agentId) ?? Promise.resolve(null),
    };
    return (sources ?? NO_SOURCES).runTool(tool, args, call);
  };

type CutTool = Pick<Tool, 'name' | 'returnCharLimit'>;
type CallIds = Omit<SourceCall, 'agentState'>;
const idsOf = ({ agentId, runId, stepId, toolCallId }: CallIds) => ({
  agentId,
  runId,
  stepId,
  toolCallId,
});

/** Errors that belong to the turn: another attempt may succeed, or nobody waits for the answer any more. */
const isForTheTurn = (error: Error): boolean =>
  error instanceof AppError &&
  (isRetryable(error.code) ||
    ['CANCELLED', 'SUPERSEDED', 'CONFLICT', 'OUTCOME_UNKNOWN'].includes(error.code));

/** Why a call was stopped: cancelled, or for a reason of its worker's (it goes away, another attempt took over). */
const stopped = (tool: CutTool, { reason }: AbortSignal, cause: unknown): AppError =>
  reason instanceof AppError
    ? reason
    : new AppError('CANCELLED', `The call of ${tool.name} was cancelled.`, { cause });

function cannotRun(tool: Tool): never {
  throw unrunnable(tool);
}

const unrunnable = (tool: Pick<Tool, 'name' | 'sourceType'> & { readonly toolType?: string }): AppError =>
  toolError(
    'NotImplementedError',
    `This version of the server cannot run ${tool.name} (a tool of type ${tool.toolType ?? 'custom'}, ${tool.sourceType}). ` +
      'Do not call it again; go on without it.',
  );

function cut(tool: CutTool, outcome: ToolOutcome): ToolOutcome {
  if (UNCUT.includes(tool.name)) return outcome;
  return cutOutcome(outcome, tool.returnCharLimit);
}
