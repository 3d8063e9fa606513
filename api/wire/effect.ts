import { z } from 'zod';
import { type Effect, EFFECT_RESOLUTIONS, EFFECT_STATUSES } from '../../domain/effect';
import type { ToolOutcome } from '../../domain/tool';
import { pageFields } from './page';
import { queryChoice, queryText } from './query';

/** A call of the effect ledger. */
export const toWireEffect = (effect: Effect) => ({
  key: effect.key,
  run_id: effect.runId,
  step_id: effect.stepId,
  agent_id: effect.agentId,
  conversation_id: effect.conversationId,
  tool_call_id: effect.toolCallId,
  tool_id: effect.toolId,
  tool_name: effect.toolName,
  arguments: effect.arguments,
  effects: effect.effects,
  status: effect.status,
  attempt: effect.attempt,
  message_id: effect.messageId,
  result: effect.result && toWireResult(effect.result),
  late_result: effect.lateResult && toWireResult(effect.lateResult),
  late_at: effect.lateAt,
  resolution: effect.resolution,
  resolved_at: effect.resolvedAt,
  claimed_at: effect.claimedAt,
  finished_at: effect.finishedAt,
});

const toWireResult = ({ status, result, stdout, stderr }: ToolOutcome) => ({
  status,
  tool_return: result,
  stdout,
  stderr,
});

export const ListEffectsQuery = z.object({
  ...pageFields({ limit: 50, order: 'desc', maxLimit: 1000 }),
  status: queryChoice(EFFECT_STATUSES),
  agent_id: queryText(),
  run_id: queryText(),
  tool_name: queryText(),
});

export const ResolveEffectBody = z
  .object({ resolution: z.enum(EFFECT_RESOLUTIONS), result: z.string().nullish() })
  .refine(({ resolution, result }) => resolution !== 'retry' || typeof result !== 'string', {
    path: ['result'],
    message: 'A retry brings its own result; leave `result` out',
  });
