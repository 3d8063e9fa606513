/** Letta's stop reasons (`letta/schemas/letta_stop_reason.py`). */
export const STOP_REASONS = [
  'end_turn',
  'error',
  'llm_api_error',
  'invalid_llm_response',
  'invalid_tool_call',
  'max_steps',
  'max_tokens_exceeded',
  'no_tool_call',
  'tool_rule',
  'cancelled',
  'insufficient_credits',
  'requires_approval',
  'context_window_overflow_in_system_prompt',
] as const;
export type StopReason = (typeof STOP_REASONS)[number];

export type RunStatus = 'created' | 'running' | 'completed' | 'failed' | 'cancelled';

const COMPLETED: readonly StopReason[] = ['end_turn', 'max_steps', 'tool_rule', 'requires_approval'];

/** The final status a stop reason leads to. */
export function statusOf(stopReason: StopReason): Extract<RunStatus, 'completed' | 'failed' | 'cancelled'> {
  if (stopReason === 'cancelled') return 'cancelled';
  return COMPLETED.includes(stopReason) ? 'completed' : 'failed';
}

export const isTerminal = (status: RunStatus): boolean => status !== 'created' && status !== 'running';
