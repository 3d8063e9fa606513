import { type AgentsAsked, type Collected, type CollectKey, readAgentMessage } from '../domain/agent-calls';
import type { ToolOutcome } from '../domain/tool';
import { failedOutcome, isToolError, truncateResult } from '../domain/tool-failure';
import type { ToolKey } from '../domain/turn';
import type { OpenedTool } from '../domain/turn-state';
import type { ActivityDeps } from './deps';
import { readCall } from './execute-tool';

type Deps = Pick<ActivityDeps, 'turns' | 'agentCalls'>;

/** Posts the message of a call to other agents. Repeating it posts nothing again and returns the same runs. */
export function createSendToAgents({ turns, agentCalls }: Deps) {
  return async function sendToAgents(key: ToolKey): Promise<AgentsAsked> {
    const claimed = await turns.openTool(key);
    if ('done' in claimed) return { turns: await agentCalls.unfinished(key), done: claimed.done };
    const tool = claimed.opened;
    const close = async (outcome: ToolOutcome): Promise<AgentsAsked> => ({
      turns: [],
      done: await turns.runTransactionalTool(tool, () => Promise.resolve(outcome)),
    });
    const call = readCall(tool);
    if ('error' in call) return close(call.error);
    try {
      return await agentCalls.send(tool, readAgentMessage(call.tool.name, call.args));
    } catch (error) {
      if (!(error instanceof Error) || !isToolError(error)) throw error;
      return close(failedOutcome(call.tool.name, error));
    }
  };
}

/** Stores the result of a call once every agent has answered; says so if one has not. */
export function createCollectReplies({ turns, agentCalls }: Deps) {
  return async function collectReplies(key: CollectKey): Promise<Collected> {
    const claimed = await turns.openTool(key);
    if ('done' in claimed) return claimed.done;
    const outcome = await agentCalls.replies(key);
    if (!outcome) return { isPending: true };
    return turns.runTransactionalTool(claimed.opened, () => Promise.resolve(cut(claimed.opened, outcome)));
  };
}

const cut = ({ tool }: OpenedTool, outcome: ToolOutcome): ToolOutcome =>
  tool ? { ...outcome, result: truncateResult(outcome.result, tool.returnCharLimit) } : outcome;
