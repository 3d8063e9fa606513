import { finding, type Finding } from '../../domain/doctor';
import type { Queryable } from '../pool';

interface UnknownRow {
  readonly key: string;
  readonly toolName: string;
  readonly isRetried: boolean;
  readonly hasLateResult: boolean;
  readonly conversationId: string;
  readonly runId: string;
  readonly stepId: string;
  readonly messageId: string | null;
  readonly toolCallId: string;
}

/** Calls that may or may not have acted, and wait for an operator's word. */
export async function examineEffects(db: Queryable, agentId: string): Promise<readonly Finding[]> {
  const { rows } = await db.query<UnknownRow>(
    `select e.key, e.tool_name as "toolName", e.resolution is not null as "isRetried", e.late_result is not null as "hasLateResult",
            r.conversation_id as "conversationId", e.run_id as "runId", e.step_id as "stepId", e.message_id as "messageId",
            e.tool_call_id as "toolCallId"
       from tool_executions e join runs r on r.id = e.run_id
      where r.agent_id = $1 and e.status = 'unknown' order by e.claimed_at`,
    [agentId],
  );
  return rows.map(({ key, toolName, isRetried, hasLateResult, ...place }) => {
    const state = isRetried ? 'it is being run again' : 'it waits for an operator';
    const late = hasLateResult ? ' A result came after it was given up.' : '';
    return finding(
      'unknown_effect',
      place,
      `The outcome of a call of ${toolName} is unknown; ${state}.${late}`,
      {
        key,
      },
    );
  });
}
