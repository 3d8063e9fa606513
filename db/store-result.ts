import { AppError } from '../domain/errors';
import { stopAfterTools } from '../domain/next-action';
import { isFixedWrongly } from '../domain/prefilled-arguments';
import type { StopReason } from '../domain/run';
import type { ToolOutcome } from '../domain/tool';
import { isRefused, type ToolRule } from '../domain/tool-rules';
import type { ToolDone, ToolKey, TurnEnd } from '../domain/turn';
import type { NewMessage, OpenedTool } from '../domain/turn-state';
import { derivedId } from '../new-id';
import { endRun } from './end-run';
import { authorOf, setMemoryAuthor } from './memory-author';
import type { Queryable } from './pool';
import { appendEvents } from './run-events';
import { insertMessages } from './save-reply';
import { writeAgentMemory } from './write-agent-memory';

/** Makes whoever closes calls of one step wait for each other. Taken before a row of the ledger, never after. */
export async function lockStep(db: Queryable, stepId: string): Promise<void> {
  // Not "for update": that would wait for siblings whose ledger rows point at the step, and they for us.
  await db.query({
    name: 'lock-step',
    text: `select 1 from steps where id = $1 for no key update`,
    values: [stepId],
  });
}

/**
 * Stores one result; the caller holds the step's lock, so sibling results wait for each other. The result that completes
 * the step also puts call and results into the context, and ends the turn if it stops there.
 */
export async function storeResult(
  db: Queryable,
  tool: OpenedTool,
  { memory, ...outcome }: ToolOutcome,
  { status, isClosing = false }: { status: 'done' | 'unknown'; isClosing?: boolean },
): Promise<ToolDone> {
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
  const hasSpoken = call.speaks === true && outcome.status === 'success';
  if (memory) {
    await setMemoryAuthor(db, authorOf(tool));
    await writeAgentMemory(db, tool, memory);
  }
  const message: NewMessage = {
    id: messageId,
    role: 'tool',
    parts: [
      {
        type: 'tool_return',
        toolCallId: call.id,
        name: call.name,
        ...outcome,
        ...(status === 'unknown' && { effectStatus: 'unknown' }),
        ...(tool.editedArguments !== null && { ranWith: tool.editedArguments }),
        // A message that was not said is shown as the failed call that it is.
        ...(hasSpoken && { speaks: true }),
      },
    ],
    name: call.name,
    otid: null,
    senderId: null,
    inContext: false,
  };
  const event = { type: 'message', messageId, fragment: 0 } as const;
  const [, , stopReason] = await Promise.all([
    insertMessages(db, tool, [message]),
    closed.is_complete ? sealStep(db, tool) : null,
    closed.is_complete && !isClosing ? whyStop(db, tool, hasSpoken) : null,
  ]);
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

async function whyStop(db: Queryable, tool: OpenedTool, hasSpoken: boolean): Promise<StopReason | null> {
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
  const speaker = hasSpoken ? tool.call.name : null;
  return stopAfterTools({ ...history, rules: row.rules, speaker, stepsTaken, maxSteps: row.max_steps });
}

const NO_HISTORY = { called: [], lastTools: [], toolNames: [], isFixedWrongly: false };

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
    isFixedWrongly: rows.some((row) => row.is_last && isFixedWrongly(row.result)),
  };
}

/** What a call that is closed already has to tell the workflow: how the turn ended, if it ended. */
export async function whatEnded(db: Queryable, { runId }: ToolKey): Promise<ToolDone> {
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
