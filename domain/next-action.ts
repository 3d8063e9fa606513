import type { StopReason } from './run';
import { endsTurn, missingBeforeExit, type CalledTool, type ToolRule } from './tool-rules';

/** Why the turn stops after the tools of a step ran; null lets it go on. `max_steps` counts model calls. */
export function stopAfterTools(turn: {
  readonly rules: readonly ToolRule[];
  readonly toolNames: readonly string[];
  /** Tool calls of this turn so far, in order. */
  readonly called: readonly CalledTool[];
  /** Names of the tools that the last step called. */
  readonly lastTools: readonly string[];
  /** The tool by which the agent has just spoken; null if it has not. */
  readonly speaker: string | null;
  /** Whether a rule fixed the arguments of a call of the last step wrongly, which no further step can mend. */
  readonly isFixedWrongly: boolean;
  readonly stepsTaken: number;
  readonly maxSteps: number;
}): StopReason | null {
  if (turn.isFixedWrongly) return 'invalid_tool_call';
  if (hasSpoken(turn)) return 'end_turn';
  if (endsTurn(turn, turn.lastTools)) return 'tool_rule';
  return turn.stepsTaken >= turn.maxSteps ? 'max_steps' : null;
}

/** To have spoken is the end of such an agent's turn, as a text is for others, unless its rules want more. */
function hasSpoken(turn: Parameters<typeof stopAfterTools>[0]): boolean {
  const { speaker, rules } = turn;
  if (speaker === null || missingBeforeExit(turn).length > 0) return false;
  return !rules.some(
    (rule) => GOES_ON.includes(rule.type) && 'tool_name' in rule && rule.tool_name === speaker,
  );
}

const GOES_ON: readonly ToolRule['type'][] = ['continue_loop', 'constrain_child_tools', 'conditional'];
