import { createHash } from 'node:crypto';
import { AppError } from '../domain/errors';
import type { ToolCallPart } from '../domain/message';
import type { ToolEffects, ToolOutcome } from '../domain/tool';
import type { PlannedCall, ToolKey } from '../domain/turn';
import type { OpenedTool } from '../domain/turn-state';
import { derivedId } from '../new-id';
import type { Queryable } from './pool';
import type { ClaimedBy } from './presence';
import { toTool, type ToolRow } from './tools';

/** The ledger's key of a call, the same in every attempt: run/step/tool_call_id. */
const ledgerKey = (runId: string, step: number, toolCallId: string): string =>
  `${runId}/${step}/${indexable(toolCallId)}`;

// Some providers hide state in their ids, which must be sent back whole, and an index takes 2.7 KB at most.
const LONGEST_INDEXED_BYTES = 2_000;

const indexable = (id: string): string =>
  Buffer.byteLength(id) <= LONGEST_INDEXED_BYTES
    ? id
    : `${id.slice(0, 64)}-${createHash('sha256').update(id).digest('hex')}`;

/** A call as its step, its run and the ledger know it. */
export interface CallRow extends ClaimedBy {
  readonly step_id: string;
  readonly calls: readonly PlannedCall[] | null;
  readonly call: ToolCallPart;
  readonly edited: string | null;
  readonly run_status: string;
  readonly cancelled: boolean;
  readonly agent_id: string;
  readonly conversation_id: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly ledger_status: string | null;
  readonly ledger_attempt: number | null;
  readonly tool: ToolRow | null;
}

/** A call of a stored reply, with its place in the ledger. */
export async function loadCall(
  db: Queryable,
  { runId, step, index, askedBy = runId }: ToolKey,
): Promise<{ row: CallRow; opened: OpenedTool }> {
  const stepId = derivedId('step', askedBy, step);
  const { rows } = await db.query<CallRow>({
    name: 'load-call',
    text: `with step as (select s.id, s.outcome -> 'calls' as calls,
                          jsonb_path_query_array(m.parts, '$[*] ? (@.type == "tool_call")') -> $3::int as call
                     from steps s join messages m on m.id = s.message_id where s.id = $2)
     select step.id as step_id, step.calls, step.call, r.status as run_status, r.agent_id, r.conversation_id,
            (select part ->> 'arguments' from messages answer, jsonb_array_elements(answer.parts) part
              where answer.step_id = step.id and answer.role = 'approval_response'
                and part ->> 'toolCallId' = step.call ->> 'id') as edited,
            r.cancel_requested_at is not null as cancelled, a.secrets, e.status as ledger_status, e.attempt as ledger_attempt,
            e.worker, extract(epoch from now() - e.claimed_at)::float8 * 1000 as claimed_ms_ago,
            (select to_jsonb(t) from agent_tools at join tools t on t.id = at.tool_id
              where at.agent_id = r.agent_id and t.name = step.call ->> 'name') as tool
       from step, runs r join agents a on a.id = r.agent_id
            left join tool_executions e on e.step_id = $2 and e.call_index = $3
      where r.id = $1`,
    values: [runId, stepId, index],
  });
  const row = rows[0];
  if (!row) throw new AppError('NOT_FOUND', `run ${runId} does not exist any more; its agent was deleted`);
  const planned = row.calls?.find((call) => call.index === index);
  if (!planned) throw new AppError('INTERNAL', `step ${stepId} has no tool call ${index}`);
  return {
    row,
    opened: {
      key: ledgerKey(askedBy, step, row.call.id),
      runId,
      askedBy,
      step,
      index,
      stepId,
      agentId: row.agent_id,
      conversationId: row.conversation_id,
      attempt: row.ledger_attempt ?? 0,
      call: row.edited === null ? row.call : { ...row.call, arguments: row.edited },
      editedArguments: row.edited,
      effects: planned.effects,
      refusal: planned.refusal ?? null,
      // A client's tool may have the name of one of ours, which must not run in its place.
      tool: row.tool && planned.isClient !== true ? toTool(row.tool) : null,
      secrets: row.secrets,
    },
  };
}

/** The claim of one attempt. */
export interface Claim {
  readonly attempt: number;
  /** What an attempt that had to stop brought before anybody gave a verdict. */
  readonly lateResult: ToolOutcome | null;
}

/**
 * Writes the intent to act, before acting; the attempt returned owns the call from here on. Null when the call is closed,
 * or, `toRun`, when it may have acted and its effects forbid a second time.
 */
export async function claimCall(
  db: Queryable,
  tool: OpenedTool,
  { toRun = false, worker = null }: { readonly toRun?: boolean; readonly worker?: number | null } = {},
): Promise<Claim | null> {
  const { rows } = await db.query<Claim>({
    name: 'claim-call-of-worker',
    text: `insert into tool_executions (key, run_id, step_id, call_index, tool_call_id, tool_name, tool_id, effects,
                                  attempt, status, worker)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 1, 'claimed', $10)
     on conflict (step_id, call_index) do update
        set attempt = tool_executions.attempt + 1, claimed_at = now(), may_repeat = false, worker = $10
      where tool_executions.status = 'claimed'
        and (not $9 or tool_executions.effects <> 'once' or tool_executions.may_repeat)
     returning attempt, late_result as "lateResult"`,
    values: [
      tool.key,
      tool.runId,
      tool.stepId,
      tool.index,
      tool.call.id,
      tool.call.name,
      tool.tool?.id ?? null,
      tool.effects satisfies ToolEffects,
      toRun,
      worker,
    ],
  });
  return rows[0] ?? null;
}
