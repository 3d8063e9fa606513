import type { ToolEffects, ToolOutcome } from './tool';

/** Where a call of the ledger stands: `unknown` may or may not have acted. */
export const EFFECT_STATUSES = ['claimed', 'done', 'unknown'] as const;
export type EffectStatus = (typeof EFFECT_STATUSES)[number];

/** An operator's word on a call whose outcome is unknown. */
export const EFFECT_RESOLUTIONS = ['done', 'not_done', 'retry'] as const;
export type EffectResolution = (typeof EFFECT_RESOLUTIONS)[number];

/** One tool call of the ledger, as its operator sees it. */
export interface Effect {
  readonly key: string;
  readonly runId: string;
  readonly stepId: string;
  readonly agentId: string;
  readonly conversationId: string;
  readonly toolCallId: string;
  readonly toolName: string;
  readonly toolId: string | null;
  /** The model's own string. */
  readonly arguments: string | null;
  readonly effects: ToolEffects;
  readonly status: EffectStatus;
  readonly attempt: number;
  readonly messageId: string | null;
  /** What the call came to; null while it runs. */
  readonly result: ToolOutcome | null;
  readonly lateResult: ToolOutcome | null;
  readonly lateAt: Date | null;
  readonly resolution: EffectResolution | null;
  readonly resolvedAt: Date | null;
  readonly claimedAt: Date;
  readonly finishedAt: Date | null;
}

/** A call of which more became known after the model had read its result, and the note that will say so. */
export interface SettledEffect {
  readonly noteId: string;
  readonly toolName: string;
  readonly toolCallId: string;
  readonly status: ToolOutcome['status'];
  readonly result: string;
  /** The call was known, and has been undone. */
  readonly isUndone?: boolean;
}

// Codes of calls that were given up at their time limit, by the worker and by Temporal.
const TIMEOUTS = ['TOOL_TIMEOUT', 'TIMEOUT'];

/** What is said of a call that was lost or given up: that it may have acted, or that it did not complete. */
export function lostOutcome(toolName: string, code: string, mayHaveActed: boolean): ToolOutcome {
  const reason = whatWasLost(code);
  const text = mayHaveActed
    ? `The outcome of ${toolName} is unknown: ${reason}. It may or may not have acted. It was not repeated.`
    : TIMEOUTS.includes(code)
      ? `Error executing function ${toolName}: ${reason}, so it was given up.`
      : `Error executing function ${toolName}: ${code}: the call could not be completed.`;
  return { status: 'error', result: text, stdout: null, stderr: [text] };
}

function whatWasLost(code: string): string {
  if (TIMEOUTS.includes(code)) return `it brought no result within its time limit (${code})`;
  if (code === 'OUTCOME_UNKNOWN')
    return 'its server was lost, or gave no answer in time, after the call was sent';
  return `the process running it was lost (${code})`;
}

/** The outcome that an operator's verdict stands for. `result` is what the operator says of it, if anything. */
export function verdictOutcome(
  toolName: string,
  resolution: Exclude<EffectResolution, 'retry'>,
  result: string | null,
): ToolOutcome {
  if (resolution === 'done') {
    const text = result ?? `${toolName} did what it was asked to. What it returned is not known.`;
    return { status: 'success', result: text, stdout: null, stderr: null };
  }
  const text = `${toolName} did not run; nothing was done.${result === null ? '' : ` ${result}`}`;
  return { status: 'error', result: text, stdout: null, stderr: [text] };
}

/** What the model is told before its next message of a call that it believes to be unknown, or done. */
export const settledNote = ({ toolName, toolCallId, status, result, isUndone }: SettledEffect): string => {
  if (isUndone) {
    return [
      '<tool_call_undone>',
      `Your call ${toolCallId} of ${toolName} was undone from outside: what it did does not stand any more.`,
      result,
      '</tool_call_undone>',
    ].join('\n');
  }
  return [
    '<tool_result_update>',
    `The outcome of your call ${toolCallId} of ${toolName} was unknown. It is known by now; this replaces the earlier result.`,
    `Status: ${status}`,
    result,
    '</tool_result_update>',
  ].join('\n');
};
