import type { Run, RunMetrics, RunResult } from '../../db/runs';
import { DEFAULT_ORG_ID } from '../../domain/ids';
import type { RunError } from '../../domain/run-event';
import { nanosecondsBetween, toNaiveMicros, toNanoseconds, toWireMicros } from './dates';
import { eventBefore } from './compaction';
import { isIncluded, type MessageOptions, toWireMessages } from './message';
import { toWireStopReason, toWireUsage } from './usage';

// What a request that said nothing about it is recorded with.
const DEFAULT_REQUEST_CONFIG = {
  use_assistant_message: true,
  assistant_message_tool_name: 'send_message',
  assistant_message_tool_kwarg: 'message',
  include_return_message_types: null,
};

/** The types of messages that the run's request asked for; null for all. */
export function includedTypes(run: Run): readonly string[] | null {
  const types = run.requestConfig?.['include_return_message_types'];
  return Array.isArray(types) && types.length > 0 ? types.map(String) : null;
}

/** A run as clients see it. The agent's own thread has no conversation id there. */
export const toWireRun = (run: Run) => ({
  id: run.id,
  status: run.status,
  created_at: toWireMicros(run.createdAt),
  completed_at: run.completedAt && toNaiveMicros(run.completedAt),
  agent_id: run.agentId,
  conversation_id: run.conversationId === run.agentId ? null : run.conversationId,
  base_template_id: null,
  background: run.background,
  metadata: {
    ...run.metadata,
    ...(run.joinedRunId !== null && { joined_run_id: run.joinedRunId, joined_at_step: run.joinedAtStep }),
    ...(run.error && { error: wireErrorOf(run, run.error) }),
  },
  request_config: run.requestConfig ?? DEFAULT_REQUEST_CONFIG,
  stop_reason: run.stopReason,
  callback_url: run.callbackUrl,
  callback_sent_at: run.callbackSentAt && toWireMicros(run.callbackSentAt),
  callback_status_code: run.callbackStatusCode,
  callback_error: run.callbackError,
  ttft_ns: nanosecondsBetween(run.createdAt, run.firstTokenAt),
  total_duration_ns: nanosecondsBetween(run.createdAt, run.completedAt),
});

// Blocking runs keep the sentence, streamed ones the frame their clients got.
function wireErrorOf(run: Run, error: RunError): unknown {
  const isBlocking = run.metadata['run_type'] === 'send_message' && !run.background && !run.streamTokens;
  return isBlocking ? error.detail : toWireErrorMessage(run.id, error);
}

/** `error_message`: why a run failed. `seqId` is its frame's number in streams of background runs. */
export const toWireErrorMessage = (runId: string, error: RunError, seqId: number | null = null) => ({
  message_type: 'error_message',
  run_id: runId,
  error_type: error.errorType,
  message: error.message,
  detail: error.detail,
  seq_id: seqId,
});

/** The results of one step's calls in one message, as the original answers; each is stored when it comes. */
const withJoinedReturns = <T extends { readonly message_type: string; readonly step_id: string | null }>(
  messages: readonly T[],
): readonly T[] =>
  messages.reduce<readonly T[]>((joined, message) => {
    const before = joined.at(-1);
    if (!before || before.step_id !== message.step_id || !hasReturns(before) || !hasReturns(message))
      return [...joined, message];
    const returns = [...before.tool_returns, ...message.tool_returns];
    return [...joined.slice(0, -1), { ...before, tool_returns: returns }];
  }, []);

const hasReturns = <T extends { readonly message_type: string }>(
  message: T,
): message is T & { readonly tool_returns: readonly unknown[] } =>
  message.message_type === 'tool_return_message' && 'tool_returns' in message;

/** What a blocking request answers: the run's output, its stop reason and its usage. */
export const toWireResponse = ({ run, messages, usage }: RunResult, options: MessageOptions = {}) => ({
  messages: withJoinedReturns(
    messages.flatMap((message) => [
      ...eventBefore(message).filter((event) => isIncluded(event.message_type, options.includeTypes)),
      ...toWireMessages(message, options),
    ]),
  ),
  stop_reason: toWireStopReason(run.stopReason ?? 'end_turn'),
  usage: toWireUsage(usage),
  logprobs: null,
  turns: null,
});

/** Run metrics as clients see them. */
export const toWireRunMetrics = (run: Run, metrics: RunMetrics) => ({
  id: run.id,
  organization_id: DEFAULT_ORG_ID,
  agent_id: run.agentId,
  project_id: null,
  run_start_ns: toNanoseconds(run.createdAt),
  run_ns: nanosecondsBetween(run.createdAt, run.completedAt),
  num_steps: metrics.stepCount,
  tools_used: metrics.toolIds,
  template_id: null,
  base_template_id: null,
});
