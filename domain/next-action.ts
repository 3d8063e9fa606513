import type { StopReason } from './run';
import { endsTurn, type CalledTool, type ToolRule } from './tool-rules';

/** Why the turn stops after the tools of a step ran; null lets it go on. `max_steps` counts model calls. */
export function stopAfterTools(turn: {
  readonly rules: readonly ToolRule[];
  readonly toolNames: readonly string[];
  /** Tool calls of this turn so far, in order. */
  readonly called: readonly CalledTool[];
  /** Names of the tools that the last step called. */
  readonly lastTools: readonly string[];
  readonly stepsTaken: number;
  readonly maxSteps: number;
}): StopReason | null {
  if (endsTurn(turn, turn.lastTools)) return 'tool_rule';
  return turn.stepsTaken >= turn.maxSteps ? 'max_steps' : null;
}
