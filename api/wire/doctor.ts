import { isHealthy } from '../../domain/doctor';
import type { Examination } from '../doctor';

/** What a doctor's visit found, in the spelling of the API. Every finding has every field. */
export const toWireExamination = ({ agentId, findings }: Examination, at: Date) => ({
  agent_id: agentId,
  examined_at: at.toISOString(),
  is_healthy: isHealthy(findings.filter(({ isRepaired }) => !isRepaired)),
  findings: findings.map((found) => ({
    code: found.code,
    severity: found.severity,
    conversation_id: found.conversationId ?? null,
    run_id: found.runId ?? null,
    step_id: found.stepId ?? null,
    message_id: found.messageId ?? null,
    tool_call_id: found.toolCallId ?? null,
    what: found.what,
    repair: found.repair,
    repairable: found.isRepairable,
    repaired: found.isRepaired,
    facts: found.facts,
  })),
});
