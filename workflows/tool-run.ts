import type { ToolRunInput } from '../domain/tool-run';
import { failureCode } from './failure-code';
import { runToolByHand, settleToolByHand } from './proxies';

/** One tool call that a client makes by hand. */
export async function toolRun(input: ToolRunInput): Promise<void> {
  await runOnce(input);
}

/**
 * A `once` tool gets one attempt. Where that fails, another look finds the call claimed, waits for a worker that lives
 * on, and says that the outcome is unknown.
 */
export async function runOnce(input: ToolRunInput): Promise<void> {
  if (input.effects !== 'once') return runToolByHand(input);
  return runToolByHand(input).catch((error: unknown) => settleToolByHand(input.id, failureCode(error)));
}
