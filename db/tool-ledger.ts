import { AppError } from '../domain/errors';
import type { ToolCallPart } from '../domain/message';
import type { MemoryTransaction } from '../domain/ports';
import { stopAfterTools } from '../domain/next-action';
import type { StopReason } from '../domain/run';
import { isRefused, type ToolRule } from '../domain/tool-rules';
import type { ToolEffects, ToolOutcome } from '../domain/tool';
import type { PlannedCall, ToolDone, ToolKey, TurnEnd } from '../domain/turn';
import { derivedId } from '../new-id';
import { endRun } from './end-run';
import { memoryTransaction } from './memory-transaction';
import { inTransaction, type Pool, type Queryable } from './pool';
import { appendEvents } from './run-events';
import { insertMessages } from './save-reply';
import { toTool, type ToolRow } from './tools';
import type { OpenedTool } from '../domain/turn-state';

/** The ledger's key of a call, the same in every attempt: run/step/tool_call_id. */
const ledgerKey = (runId: string, step: number, toolCallId: string): string =>
  `${runId}/${step}/${toolCallId}`;

interface CallRow {
  readonly step_id: string;
  readonly calls: readonly PlannedCall[] | null;
  readonly call: ToolCallPart;
  readonly run_status: string;
  readonly cancelled: boolean;
  readonly agent_id: string;
  readonly conversation_id: string;
  readonly secrets: Readonly<Record<string, string>>;
  readonly ledger_status: string | null;
  readonly tool: ToolRow | null;
}

/** See `TurnStore.openTool`. A transactional call is claimed later, in the transaction that also runs it. */
export async function openTool(
  pool: Pool,
  key: ToolKey,
): Promise<{ readonly done: ToolDone } | { readonly opened: OpenedTool }> {
  const loaded = await loadCall(pool, key);
  const { row, opened } = loaded;
  if (row.ledger_status === 'done' || row.ledger_status === 'unknown')
    return { done: await whatEnded(pool, key) };
  if (row.cancelled) throw new AppError('CANCELLED', `run ${key.runId} was cancelled`);
  if (row.run_status !== 'running') {
    throw new AppError('SUPERSEDED', `run ${key.runId} is ${row.run_status}; its tools can't run`);
  }
  if (opened.effects === 'transactional') return { opened };
  if (opened.effects === 'once' && row.ledger_status === 'claimed') {
    throw new AppError(
      'CONFLICT',
      `call ${opened.key} was started before and may have acted; it is not repeated`,
    );
  }
  return { opened: { ...opened, attempt: await claim(pool, opened) } };
}

async function loadCall(
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
            r.cancel_requested_at is not null as cancelled, a.secrets, e.status as ledger_status,
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
      attempt: 0,
      call: row.call,
      effects: planned.effects,
      refusal: planned.refusal ?? null,
      tool: row.tool && toTool(row.tool),
      secrets: row.secrets,
    },
  };
}

/** Writes the intent to act, before acting. Returns the attempt that now owns the call. */
async function claim(db: Queryable, tool: OpenedTool): Promise<number> {
  const { rows } = await db.query<{ attempt: number }>({
    name: 'claim-call',
    text: `insert into tool_executions (key, run_id, step_id, call_index, tool_call_id, tool_name, tool_id, effects,
                                  attempt, status)
     values ($1, $2, $3, $4, $5, $6, $7, $8, 1, 'claimed')
     on conflict (step_id, call_index) do update set attempt = tool_executions.attempt + 1, claimed_at = now()
      where tool_executions.status = 'claimed'
     returning attempt`,
    values: [
      tool.key,
      tool.runId,
      tool.stepId,
      tool.index,
      tool.call.id,
      tool.call.name,
      tool.tool?.id ?? null,
      tool.effects satisfies ToolEffects,
    ],
  });
  const attempt = rows[0]?.attempt;
  if (attempt === undefined) throw new AppError('SUPERSEDED', `call ${tool.key} is closed already`);
  return attempt;
}

/** See `TurnStore.saveToolResult`. */
export const saveToolResult = (pool: Pool, tool: OpenedTool, outcome: ToolOutcome): Promise<ToolDone> =>
  inTransaction(pool, (db) => storeResult(db, tool, outcome, { status: 'done' }));

/** See `TurnStore.runTransactionalTool`. */
export function runTransactionalTool(
  pool: Pool,
  tool: OpenedTool,
  run: (memory: MemoryTransaction) => Promise<ToolOutcome>,
): Promise<ToolDone> {
  return inTransaction(pool, async (db) => {
    const attempt = await claim(db, tool);
    const outcome = await run(memoryTransaction(db, tool));
    return storeResult(db, { ...tool, attempt }, outcome, { status: 'done' });
  });
}

/** See `TurnStore.settleTool`. */
export function settleTool(pool: Pool, key: ToolKey & { readonly code: string }): Promise<ToolDone> {
  return inTransaction(pool, async (db) => {
    const { row, opened } = await loadCall(db, key);
    if (row.ledger_status === 'done' || row.ledger_status === 'unknown') return whatEnded(db, key);
    const mayHaveActed = row.ledger_status === 'claimed' && opened.effects !== 'read';
    const attempt = await claim(db, opened);
    const text = mayHaveActed
      ? `The outcome of ${opened.call.name} is unknown: the process running it was lost (${key.code}). ` +
        'It may or may not have acted. It was not repeated.'
      : `Error executing function ${opened.call.name}: ${key.code}: the call could not be completed.`;
    const outcome: ToolOutcome = { status: 'error', result: text, stdout: null, stderr: [text] };
    return storeResult(db, { ...opened, attempt }, outcome, { status: mayHaveActed ? 'unknown' : 'done' });
  });
}

/**
 * Stores one result. The result that completes the step also puts call and results into the context, and ends the
 * turn if it stops there; sibling results wait for each other on the step's row.
 */
async function storeResult(
  db: Queryable,
  tool: OpenedTool,
  outcome: ToolOutcome,
  { status, isClosing = false }: { status: 'done' | 'unknown'; isClosing?: boolean },
): Promise<ToolDone> {
  // Not "for update": that would wait for siblings whose ledger rows point at the step, and they for us.
  await db.query(`select 1 from steps where id = $1 for no key update`, [tool.stepId]);
  const messageId = derivedId('message', tool.key, 'result');
  const { rows } = await db.query<{ is_complete: boolean; run_status: string }>({
    name: 'close-call',
    text: `with closed as (update tool_executions set status = $3, message_id = $4, finished_at = now()
                      where key = $1 and attempt = $2 and status = 'claimed' returning step_id)
     select r.status as run_status,
            jsonb_array_length(s.outcome -> 'calls') =
              1 + (select count(*) from tool_executions e where e.step_id = s.id and e.status <> 'claimed') as is_complete
       from closed join steps s on s.id = closed.step_id join runs r on r.id = $5`,
    values: [tool.key, tool.attempt, status, messageId, tool.runId],
  });
  const closed = rows[0];
  if (!closed || (closed.run_status !== 'running' && !isClosing)) {
    throw new AppError('SUPERSEDED', `attempt ${tool.attempt} of call ${tool.key} is not the current one`);
  }
  const { call } = tool;
  await insertMessages(db, tool, [
    {
      id: messageId,
      role: 'tool',
      parts: [{ type: 'tool_return', toolCallId: call.id, name: call.name, ...outcome }],
      name: call.name,
      otid: null,
      senderId: null,
      inContext: false,
    },
  ]);
  const event = { type: 'message', messageId, fragment: 0 } as const;
  if (closed.is_complete) await sealStep(db, tool);
  const stopReason = closed.is_complete && !isClosing ? await whyStop(db, tool) : null;
  if (stopReason === null) {
    if (closed.run_status === 'running') await appendEvents(db, tool.runId, [event]);
    return {};
  }
  const { runId, conversationId } = tool;
  return { end: await endRun(db, { runId, conversationId, stopReason, events: [event] }) };
}

/** Puts a completed step into the context: its calls and all of their results at once. */
async function sealStep(db: Queryable, tool: OpenedTool): Promise<void> {
  await db.query({
    name: 'seal-step',
    text: `with sealed as (update messages set in_context = true where step_id = $1 and not in_context)
           update steps set tools_ns = extract(epoch from clock_timestamp() - completed_at) * 1e9 where id = $1`,
    values: [tool.stepId],
  });
}

async function whyStop(db: Queryable, tool: OpenedTool): Promise<StopReason | null> {
  const { rows } = await db.query<{ max_steps: number; rules: readonly ToolRule[] }>({
    name: 'why-stop',
    text: `select r.max_steps, a.tool_rules as rules from runs r join agents a on a.id = r.agent_id where r.id = $1`,
    values: [tool.runId],
  });
  const row = rows[0];
  if (!row) throw new AppError('NOT_FOUND', `run ${tool.runId} does not exist any more`);
  const history = row.rules.length === 0 ? NO_HISTORY : await readHistory(db, tool);
  // A run that answers an approval has not asked the model itself yet.
  const stepsTaken = tool.askedBy === tool.runId ? tool.step + 1 : 0;
  return stopAfterTools({ ...history, rules: row.rules, stepsTaken, maxSteps: row.max_steps });
}

const NO_HISTORY = { called: [], lastTools: [], toolNames: [] };

/** What rules look at: the agent's tools, the calls of this turn, and those of its last step. */
async function readHistory(db: Queryable, tool: OpenedTool) {
  const { rows } = await db.query<{ name: string; result: string; is_last: boolean }>(
    `select m.parts -> 0 ->> 'name' as name, m.parts -> 0 ->> 'result' as result, m.step_id = $2 as is_last
       from messages m where m.run_id = $1 and m.role = 'tool' order by m.seq`,
    [tool.runId, tool.stepId],
  );
  const tools = await db.query<{ name: string }>(
    `select t.name from agent_tools at join tools t on t.id = at.tool_id where at.agent_id = $1 order by at.position`,
    [tool.agentId],
  );
  const ran = rows.filter(({ result }) => !isRefused(result));
  return {
    called: ran.map(({ name, result }) => ({ name, result })),
    lastTools: ran.filter((row) => row.is_last).map(({ name }) => name),
    toolNames: tools.rows.map(({ name }) => name),
  };
}

/** What a call that is closed already has to tell the workflow: how the turn ended, if it ended. */
async function whatEnded(db: Queryable, { runId }: ToolKey): Promise<ToolDone> {
  const { rows } = await db.query<{ stop_reason: TurnEnd['stopReason']; conversation_id: string }>(
    `select stop_reason, conversation_id from runs where id = $1 and status not in ('created', 'running')`,
    [runId],
  );
  const row = rows[0];
  if (!row) return {};
  return {
    end: await endRun(db, { runId, conversationId: row.conversation_id, stopReason: row.stop_reason }),
  };
}

/** Closes one call with a given result, in the caller's transaction, without running it. */
export async function closeCall(db: Queryable, key: ToolKey, outcome: ToolOutcome): Promise<ToolDone> {
  const { opened } = await loadCall(db, key);
  const attempt = await claim(db, opened);
  return storeResult(db, { ...opened, attempt }, outcome, { status: 'done' });
}

/** Closes every open call of a run that stops early, so that its transcript stays whole. */
export async function closeOpenCalls(db: Queryable, runId: string, reason: string): Promise<void> {
  const { rows } = await db.query<{
    asked_by: string;
    step: number;
    calls: readonly PlannedCall[];
    closed: readonly number[];
  }>(
    `select s.run_id as asked_by, s.index as step, s.outcome -> 'calls' as calls,
            array(select call_index from tool_executions e where e.step_id = s.id and e.status <> 'claimed') as closed
       from steps s where s.outcome ? 'calls'
        and s.id in (select step_id from messages where run_id = $1 and not in_context)`,
    [runId],
  );
  for (const { asked_by: askedBy, step, calls, closed } of rows) {
    for (const { index } of calls.filter((call) => !closed.includes(call.index))) {
      const { opened, row } = await loadCall(db, { runId, askedBy, step, index });
      const isUnknown = row.ledger_status === 'claimed' && opened.effects !== 'read';
      const attempt = await claim(db, opened);
      const result = isUnknown ? `${reason} It may or may not have acted.` : reason;
      const outcome: ToolOutcome = { status: 'error', result, stdout: null, stderr: null };
      await storeResult(db, { ...opened, attempt }, outcome, {
        status: isUnknown ? 'unknown' : 'done',
        isClosing: true,
      });
    }
  }
}
