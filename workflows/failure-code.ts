import { ActivityFailure, ApplicationFailure, TimeoutFailure } from '@temporalio/workflow';
import type { StopReason } from '../domain/run';

/** The error code behind a failed activity: the `type` its failure carries, or what Temporal itself says. */
export function failureCode(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure) return cause.type ?? 'INTERNAL';
  if (cause instanceof TimeoutFailure) return cause.timeoutType === 'HEARTBEAT' ? 'WORKER_LOST' : 'TIMEOUT';
  return 'INTERNAL';
}

const STOP_REASONS: Readonly<Record<string, StopReason>> = {
  CANCELLED: 'cancelled',
  MODEL_INSUFFICIENT_CREDITS: 'insufficient_credits',
  MODEL_INVALID_RESPONSE: 'invalid_llm_response',
  SYSTEM_PROMPT_OVERFLOW: 'context_window_overflow_in_system_prompt',
};

/** Letta's stop reason for a turn that ended with this code. */
export function stopReasonOf(code: string): StopReason {
  return STOP_REASONS[code] ?? (code.startsWith('MODEL_') ? 'llm_api_error' : 'error');
}
