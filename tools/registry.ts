import { AppError, isRetryable } from '../domain/errors';
import type { McpToolCaller } from '../domain/mcp';
import type { ArchivalRecall, MemoryTransaction, Recall } from '../domain/ports';
import type { SourceCall, SourceLanguage, SourceTool } from '../domain/source-tool';
import type { BuiltinTool, Tool, ToolCallContext, ToolOutcome, ToolProbed } from '../domain/tool';
import { checkToolArguments, isBuiltin, type ToolArguments } from '../domain/tool-arguments';
import {
  cutOutcome,
  failedOutcome,
  isToolError,
  succeededOutcome,
  toolError,
  toThrownError,
} from '../domain/tool-failure';
import { agentCallByHand } from './builtin/agent-call-by-hand';
import { archivalMemoryInsert } from './builtin/archival-memory-insert/handler';
import { archivalMemoryInsertTool } from './builtin/archival-memory-insert/tool';
import { createArchivalMemorySearch } from './builtin/archival-memory-search/handler';
import { archivalMemorySearchTool } from './builtin/archival-memory-search/tool';
import { createConversationSearch } from './builtin/conversation-search/handler';
import { conversationSearchTool } from './builtin/conversation-search/tool';
import { coreMemoryAppend } from './builtin/core-memory-append/handler';
import { coreMemoryAppendTool } from './builtin/core-memory-append/tool';
import { coreMemoryReplace } from './builtin/core-memory-replace/handler';
import { coreMemoryReplaceTool } from './builtin/core-memory-replace/tool';
import { createFetchWebpage, type FetchPageOptions } from './builtin/fetch-webpage/handler';
import { fetchWebpageTool } from './builtin/fetch-webpage/tool';
import { memory as memoryCommand } from './builtin/memory/handler';
import { memoryTool } from './builtin/memory/tool';
import { memoryApplyPatch } from './builtin/memory-apply-patch/handler';
import { memoryApplyPatchTool } from './builtin/memory-apply-patch/tool';
import { memoryFinishEdits } from './builtin/memory-finish-edits/handler';
import { memoryFinishEditsTool } from './builtin/memory-finish-edits/tool';
import { memoryInsert } from './builtin/memory-insert/handler';
import { memoryInsertTool } from './builtin/memory-insert/tool';
import { memoryReplace } from './builtin/memory-replace/handler';
import { memoryReplaceTool } from './builtin/memory-replace/tool';
import { memoryRethink } from './builtin/memory-rethink/handler';
import { memoryRethinkTool } from './builtin/memory-rethink/tool';
import { createRunCode } from './builtin/run-code/handler';
import { runCodeTool } from './builtin/run-code/tool';
import { sendMessage } from './builtin/send-message/handler';
import { sendMessageTool } from './builtin/send-message/tool';
import { sendMessageToAgentAndWaitForReplyTool } from './builtin/send-message-to-agent-and-wait-for-reply/tool';
import { sendMessageToAgentAsyncTool } from './builtin/send-message-to-agent-async/tool';
import { sendMessageToAgentsMatchingTagsTool } from './builtin/send-message-to-agents-matching-tags/tool';
import { createWebSearch } from './builtin/web-search/handler';
import { webSearchTool } from './builtin/web-search/tool';
import {
  memoryEdit,
  type ReadHandler,
  type ToolModule,
  type TransactionalHandler,
  type Write,
} from './handler';

/** Every tool the server brings along. */
export const builtinTools: readonly BuiltinTool[] = [
  memoryInsertTool,
  memoryReplaceTool,
  memoryRethinkTool,
  coreMemoryAppendTool,
  coreMemoryReplaceTool,
  memoryTool,
  memoryApplyPatchTool,
  memoryFinishEditsTool,
  sendMessageTool,
  sendMessageToAgentAndWaitForReplyTool,
  sendMessageToAgentAsyncTool,
  sendMessageToAgentsMatchingTagsTool,
  conversationSearchTool,
  archivalMemoryInsertTool,
  archivalMemorySearchTool,
  webSearchTool,
  fetchWebpageTool,
  runCodeTool,
];

/**
 * Runs tool calls. What a tool does wrong is an outcome the model reads, cut to the tool's limit. Only what a further
 * attempt may mend (the database is away) and a cancellation are thrown.
 */
export interface ToolRunner {
  /** Whether the tool must go through `runTransactional`. */
  isTransactional(tool: Tool): boolean;
  run(tool: Tool, args: ToolArguments, context: ToolCallContext): Promise<ToolOutcome>;
  /** Like `run`, for a source that is no agent's tool. */
  tryOut(tool: SourceTool, args: ToolArguments, call: SourceCall): Promise<ToolOutcome>;
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

export interface ToolRunnerDeps {
  readonly recall: Recall;
  readonly archive: ArchivalRecall;
  readonly exaApiKey: string | null;
  /** Runs tools of MCP servers. */
  readonly mcp?: McpToolCaller;
  /** Tools beside the built-in ones. */
  readonly modules?: readonly ToolModule[];
  /** Runs tools that are stored as source code; without it they answer that this server cannot run them. */
  readonly sources?: Pick<SourceLanguage, 'runTool' | 'runCode'>;
  /** An agent as the API shows it, for tools that ask for `agent_state`. */
  readonly agentState?: (agentId: string) => Promise<Readonly<Record<string, unknown>> | null>;
  readonly exaBaseUrl?: string;
  readonly fetchPage?: FetchPageOptions;
  readonly now?: () => Date;
  readonly log: { warn(facts: object, message: string): void };
}

const TRANSACTIONAL: ReadonlyMap<string, TransactionalHandler> = new Map([
  [memoryInsertTool.name, memoryEdit(memoryInsert)],
  [memoryReplaceTool.name, memoryEdit(memoryReplace)],
  [memoryRethinkTool.name, memoryEdit(memoryRethink)],
  [coreMemoryAppendTool.name, memoryEdit(coreMemoryAppend)],
  [coreMemoryReplaceTool.name, memoryEdit(coreMemoryReplace)],
  [memoryTool.name, memoryEdit(memoryCommand)],
  [memoryApplyPatchTool.name, memoryEdit(memoryApplyPatch)],
  [archivalMemoryInsertTool.name, archivalMemoryInsert],
]);

/** The runner of the built-in tools and of those that are stored as source code. */
export function createToolRunner(deps: ToolRunnerDeps): ToolRunner {
  const { log, modules = [] } = deps;
  const readHandlers = readHandlersOf(deps);
  const probes = new Map(modules.flatMap(({ name, probe }) => (probe ? [[name, probe]] : [])));
  const probeOf = (tool: Tool) => (isBuiltin(tool) ? probes.get(tool.name) : undefined);
  const transactionalOf = (tool: Tool) => (isBuiltin(tool) ? TRANSACTIONAL.get(tool.name) : undefined);
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
      try {
        return cut(tool, await (deps.sources ?? NO_SOURCES).runTool(tool, args, call));
      } catch (error) {
        return failed(tool, call, error);
      }
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
        if (!(error instanceof Error) || !isToolError(error)) throw error;
        return failed(tool, context, error);
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

function readHandlersOf(deps: ToolRunnerDeps): ReadonlyMap<string, ReadHandler> {
  const { recall, archive, now = () => new Date(), modules = [], sources } = deps;
  return new Map([
    [memoryFinishEditsTool.name, memoryFinishEdits],
    [sendMessageTool.name, sendMessage],
    [sendMessageToAgentAndWaitForReplyTool.name, agentCallByHand],
    [sendMessageToAgentAsyncTool.name, agentCallByHand],
    [sendMessageToAgentsMatchingTagsTool.name, agentCallByHand],
    [conversationSearchTool.name, createConversationSearch({ recall, now })],
    [archivalMemorySearchTool.name, createArchivalMemorySearch(archive)],
    [webSearchTool.name, createWebSearch(deps)],
    [fetchWebpageTool.name, createFetchWebpage(deps.fetchPage ?? {})],
    [runCodeTool.name, createRunCode(sources?.runCode ?? {})],
    ...modules.map(({ name, run }): [string, ReadHandler] => [name, run]),
  ]);
}

const isFromSource = (tool: Tool): boolean => tool.toolType === 'custom' && tool.sourceCode !== null;

const NO_SOURCES: Pick<SourceLanguage, 'runTool'> = { runTool: (tool) => Promise.reject(unrunnable(tool)) };

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

// Searches are bounded by their own limit, as in Letta.
const UNCUT: readonly string[] = [conversationSearchTool.name, archivalMemorySearchTool.name];

function cut(tool: CutTool, outcome: ToolOutcome): ToolOutcome {
  if (UNCUT.includes(tool.name)) return outcome;
  return cutOutcome(outcome, tool.returnCharLimit);
}
