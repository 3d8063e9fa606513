import { AppError } from '../domain/errors';
import type { ToolCallContext, ToolOutcome } from '../domain/tool';
import { parseToolArguments, type ToolArguments } from '../domain/tool-arguments';
import { failedOutcome, toolError } from '../domain/tool-failure';
import type { Tool } from '../domain/tool';
import { TOOL_LIMITS } from '../domain/tool-limits';
import type { ToolDone, ToolKey } from '../domain/turn';
import type { OpenedTool } from '../domain/turn-state';
import { withAbort } from './abort';
import type { ActivityDeps } from './deps';

type Deps = Pick<ActivityDeps, 'turns' | 'tools' | 'cancellations' | 'toolLimits'>;

/**
 * Runs one tool call of a reply: claim in the ledger, run, store the result. A call that is closed is never run again;
 * a transactional tool's edits and its ledger row are one transaction.
 */
export function createExecuteTool(deps: Deps) {
  return async function executeTool(key: ToolKey): Promise<ToolDone> {
    const claimed = await deps.turns.openTool(key);
    if ('done' in claimed) return claimed.done;
    const tool = claimed.opened;
    // A `once` call has one attempt: when Temporal lost sight of it, it goes on and its result is waited for.
    const isOnly = tool.effects === 'once';
    return withAbort(deps.cancellations, key.runId, (abort) => run(deps, tool, abort), { isOnly });
  };
}

async function run(deps: Deps, opened: OpenedTool, abort: AbortController): Promise<ToolDone> {
  const { turns, tools } = deps;
  const { signal } = abort;
  const call = readCall(opened);
  const context = toCallContext(opened, signal);
  if (opened.effects === 'transactional') {
    return turns.runTransactionalTool(opened, async (memory) =>
      'error' in call ? call.error : tools.runTransactional(call.tool, call.args, context, memory),
    );
  }
  const limitMs = (deps.toolLimits ?? TOOL_LIMITS)[opened.effects];
  const outcome =
    'error' in call
      ? call.error
      : await withinLimit(tools.run(call.tool, call.args, context), {
          limitMs,
          abort,
          onLate: (late) => turns.keepLateResult(opened, late),
        });
  // A cancelled run is closed by the workflow, which also settles this call; what the tool brought is there for it.
  // Any other result is stored if the call is still this attempt's, and kept for the operator if not.
  if (isCancelled(signal)) {
    await turns.keepLateResult(opened, outcome);
    throw signal.reason;
  }
  return turns.saveToolResult(opened, outcome);
}

/**
 * What the tool brings, or `TOOL_TIMEOUT` when it takes too long: it is told to stop, and not waited for if it does not
 * listen. What it brings later is handed to `onLate`.
 */
async function withinLimit(
  running: Promise<ToolOutcome>,
  {
    limitMs,
    abort,
    onLate,
  }: {
    readonly limitMs: number;
    readonly abort: AbortController;
    readonly onLate: (outcome: ToolOutcome) => Promise<void>;
  },
): Promise<ToolOutcome> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const late = new AppError('TOOL_TIMEOUT', `the tool brought no result within ${limitMs} ms`);
      reject(late);
      abort.abort(late);
      // Whoever gave the verdict meanwhile is not told of a failure that comes after it.
      running.then(onLate).catch(() => undefined);
    }, limitMs);
  });
  try {
    return await Promise.race([running, limit]);
  } finally {
    clearTimeout(timer);
  }
}

const isCancelled = ({ aborted, reason }: AbortSignal): boolean =>
  aborted && reason instanceof AppError && reason.code === 'CANCELLED';

/** The tool and its arguments, or why the call is answered without running anything. */
export function readCall({
  call,
  tool,
  refusal,
}: OpenedTool): { tool: Tool; args: ToolArguments } | { error: ToolOutcome } {
  if (refusal !== null) return { error: { status: 'error', result: refusal, stdout: null, stderr: null } };
  if (tool === null) {
    const error = toolError('ValueError', `Tool ${call.name} not found among the tools of this agent`);
    return { error: failedOutcome(call.name, error) };
  }
  const parsed = parseToolArguments(call.arguments, tool);
  return 'error' in parsed ? parsed : { tool, args: parsed.args };
}

/** The facts of a call that reach its tool. */
export const toCallContext = (tool: OpenedTool, signal: AbortSignal): ToolCallContext => ({
  agentId: tool.agentId,
  conversationId: tool.conversationId,
  runId: tool.runId,
  stepId: tool.stepId,
  toolCallId: tool.call.id,
  idempotencyKey: tool.key,
  effects: tool.effects,
  secrets: tool.secrets,
  signal,
});
