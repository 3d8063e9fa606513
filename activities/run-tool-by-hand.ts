import { Context } from '@temporalio/activity';
import { AppError } from '../domain/errors';
import type { ToolCallContext, ToolOutcome } from '../domain/tool';
import { failedOutcome } from '../domain/tool-failure';
import type { SourceCall } from '../domain/source-tool';
import type { OpenedToolRun, OpenedTrial, ToolRunKey } from '../domain/tool-run';
import type { ActivityDeps } from './deps';

type Deps = Pick<ActivityDeps, 'toolRuns' | 'tools'>;

/** Runs a tool for a client, outside of a turn. A `once` tool that was started and lost is not started again. */
export function createRunToolByHand({ toolRuns, tools }: Deps) {
  return async function runToolByHand(key: ToolRunKey): Promise<void> {
    const { id, code } = typeof key === 'string' ? { id: key } : key;
    const run = await toolRuns.open(id, code);
    if (!run) return toolRuns.giveUp(id, GONE);
    if (run.isTrial) return toolRuns.finish(id, await tried(tools, run));
    const context = toContext(run);
    if (tools.isTransactional(run.tool)) {
      return toolRuns.runTransactional(run, (memory) =>
        tools.runTransactional(run.tool, run.args, context, memory),
      );
    }
    if (run.wasClaimed && run.effects === 'once') return toolRuns.giveUp(id, UNKNOWN, { isUnknown: true });
    await toolRuns.finish(id, await tools.run(run.tool, run.args, context));
  };
}

async function tried(tools: Deps['tools'], run: OpenedTrial): Promise<ToolOutcome> {
  if (run.wasClaimed && run.effects === 'once') return UNKNOWN;
  return tools.tryOut(run.tool, run.args, toTrialCall(run)).catch((error: unknown) => {
    // No operator looks after a call without an agent: whoever made it is told.
    if (!(error instanceof AppError) || error.code !== 'OUTCOME_UNKNOWN') throw error;
    return failedOutcome(run.tool.name, error);
  });
}

const GONE: ToolOutcome = {
  status: 'error',
  result: 'The agent does not have this tool any more, so it was not run.',
  stdout: null,
  stderr: null,
};

const UNKNOWN: ToolOutcome = {
  status: 'error',
  result: 'The outcome is unknown: the process that ran this tool was lost. It was not repeated.',
  stdout: null,
  stderr: null,
};

const toContext = (run: OpenedToolRun): ToolCallContext => ({
  agentId: run.agentId,
  conversationId: run.conversationId ?? run.agentId,
  ...run.call,
  effects: run.effects,
  secrets: run.secrets,
  signal: Context.current().cancellationSignal,
});

const toTrialCall = ({ id, secrets }: OpenedTrial): SourceCall => ({
  agentId: null,
  runId: id,
  stepId: id,
  toolCallId: id,
  idempotencyKey: id,
  secrets,
  signal: Context.current().cancellationSignal,
  agentState: () => Promise.resolve(null),
});
