import type { Request } from 'express';
import { AppError } from '../domain/errors';
import type { McpServer } from '../domain/mcp-server';
import type { Tool, ToolOutcome } from '../domain/tool';
import type { ToolArguments } from '../domain/tool-arguments';
import { failedOutcome, truncateResult } from '../domain/tool-failure';
import { newId } from '../new-id';
import type { ApiDeps } from './deps';

// Less than the SDKs wait for an answer before they ask again.
const MAX_MS = 50_000;

/**
 * Calls a server's tool for a client, outside of any agent. A request that the SDK sends again is not carried out again
 * where the tool may act once only: nobody knows what became of the first.
 */
export async function runMcpTool(
  mcp: ApiDeps['mcp'],
  req: Request,
  {
    server,
    tool,
    name,
    args,
  }: { readonly server: McpServer; readonly tool: Tool; readonly name: string; readonly args: ToolArguments },
): Promise<ToolOutcome> {
  const { effects } = tool;
  const isResent = Number(req.get('x-stainless-retry-count') ?? 0) >= 1;
  if (isResent && effects === 'once') {
    return failedOutcome(name, unknownOutcome('the request was sent before and is not repeated'));
  }
  const idempotencyKey = req.get('idempotency-key') ?? newId('job');
  const never = new AbortController().signal;
  try {
    const call = { name, args, effects, idempotencyKey, timeoutMs: MAX_MS };
    const outcome = await mcp.callTool(server, call, never);
    return { ...outcome, result: truncateResult(outcome.result, tool.returnCharLimit) };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'OUTCOME_UNKNOWN') throw error;
    return failedOutcome(name, error);
  }
}

const unknownOutcome = (why: string): AppError =>
  new AppError('OUTCOME_UNKNOWN', `The outcome is unknown: ${why}. It may or may not have acted.`);
