import type { ToolRunInput } from '../domain/tool-run';
import { runToolByHand } from './proxies';

/** One tool call that a client makes by hand. */
export async function toolRun(input: ToolRunInput): Promise<void> {
  await runOnce(input);
}

/** A `once` tool gets one attempt; the next one finds it claimed and says that its outcome is unknown. */
export async function runOnce(input: ToolRunInput): Promise<void> {
  if (input.effects !== 'once') return runToolByHand(input);
  return runToolByHand(input).catch(() => runToolByHand({ ...input, effects: 'transactional' }));
}
