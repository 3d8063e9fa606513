import type { Request } from 'express';
import { getToolRunOutcome, mintTrial } from '../db/tool-runs';
import { AppError } from '../domain/errors';
import type { Tool, ToolOutcome } from '../domain/tool';
import type { ToolArguments } from '../domain/tool-arguments';
import { failedOutcome } from '../domain/tool-failure';
import { trialEffects } from '../domain/tool-run';
import { newId } from '../new-id';
import type { ApiDeps } from './deps';

/**
 * Lets a worker call a server's tool for a client, outside of any agent. A request that the SDK sends again is not carried
 * out again where the tool may act once only: nobody knows yet what became of the first.
 */
export async function runMcpTool(
  { db, turns }: Pick<ApiDeps, 'db' | 'turns'>,
  req: Request,
  { tool, args }: { readonly tool: Tool; readonly args: ToolArguments },
): Promise<ToolOutcome> {
  const effects = trialEffects(tool);
  const isResent = Number(req.get('x-stainless-retry-count') ?? 0) >= 1;
  if (isResent && effects === 'once') return failedOutcome(tool.name, SENT_BEFORE);
  const id = newId('job');
  await mintTrial(db, { id, tool, args, env: {} });
  await turns.runTool({ id, effects });
  return getToolRunOutcome(db, id);
}

const SENT_BEFORE = new AppError(
  'OUTCOME_UNKNOWN',
  'The outcome is unknown: the request was sent before and is not repeated. It may or may not have acted.',
);
