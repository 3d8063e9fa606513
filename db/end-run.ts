import { statusOf, type StopReason } from '../domain/run';
import type { RunError, RunEvent } from '../domain/run-event';
import type { TurnEnd, TurnInput } from '../domain/turn';
import { toJsonb } from './json';
import { inTransaction, type Pool, type Queryable } from './pool';
import { wakeSleeper } from './wake-sleeper';
import { appendEvents, noticeOf, RUN_EVENTS_CHANNEL } from './run-events';

interface RunToClose {
  readonly runId: string;
  readonly conversationId: string;
  readonly stopReason: StopReason;
  readonly error?: RunError | undefined;
  /** Events that belong in front of the end, for example the last message. */
  readonly events?: readonly RunEvent[];
}

// One statement: run, the runs that joined it, agent, last step, events and the notices. `run` is empty when the run is
// over already.
const END_RUN = `
  with run as (update runs set status = $2, stop_reason = $3, error = $4, completed_at = now(),
                      event_seq = event_seq + $5
                where id = $1 and status in ('created', 'running') and joined_run_id is null
               returning agent_id, created_at, event_seq),
       joined as (update runs set status = $2, stop_reason = $3, error = $4, completed_at = now() from run
                   where runs.joined_run_id = $1 and runs.status = 'running' returning runs.id),
       agent as (update agents set last_stop_reason = $3, last_run_completion = now(),
                        last_run_duration_ms = least(extract(epoch from now() - run.created_at) * 1000, 2147483647)
                   from run where agents.id = run.agent_id),
       step as (update steps set stop_reason = $3 from run
                 where run_id = $1 and index = (select max(index) from steps where run_id = $1)),
       stored as (insert into run_events (run_id, seq, event)
                  select $1, run.event_seq - $5 + item.position, item.event
                    from run, jsonb_array_elements($6::jsonb) with ordinality as item (event, position))
  select told.*, (select g.id from run join groups g on g.manager_agent_id = run.agent_id) as group_id,
         (select caller_conversation_id from agent_calls where run_id = $1 and waits) as caller
    from (select 1) as one
         left join (select pg_notify('${RUN_EVENTS_CHANNEL}', $7) from run
                     union all select pg_notify('${RUN_EVENTS_CHANNEL}', joined.id || ' end') from joined) as told on true`;

/**
 * Ends a run inside the caller's transaction and finds the message that waits behind it. A run that is over already
 * keeps its end. Also stamps the agent's last_* fields, and names the agent that waits for this run.
 */
export async function endRun(db: Queryable, run: RunToClose): Promise<TurnEnd> {
  const { runId, stopReason, error } = run;
  const end: RunEvent = { type: 'run-end', stopReason, ...(error && { error }) };
  const events = [...(run.events ?? []), end];
  const ended = db.query<{ caller: string | null; group_id: string | null }>({
    name: 'end-run-and-wake',
    text: END_RUN,
    values: [
      runId,
      statusOf(stopReason),
      stopReason,
      error ? toJsonb(error) : null,
      events.length,
      toJsonb(events),
      noticeOf(runId, events),
    ],
  });
  const [{ rows }, next] = await Promise.all([ended, takeNextTurn(db, run.conversationId)]);
  const { caller, group_id: groupId } = rows[0] ?? {};
  const wake = groupId && ENDS_WELL.includes(stopReason) ? await wakeSleeper(db, { groupId, runId }) : null;
  return { stopReason, next, ...(caller && { caller }), ...(wake && { wake }) };
}

// A turn that failed, or waits for a human, is not over as far as its memory goes.
const ENDS_WELL: readonly StopReason[] = ['end_turn', 'max_steps', 'tool_rule'];

/** The oldest message that waits. Waiting messages whose run was cancelled are closed on the way. */
async function takeNextTurn(db: Queryable, conversationId: string): Promise<TurnInput | null> {
  for (;;) {
    const { rows } = await db.query<TurnRow & { cancelled: boolean }>({
      name: 'take-next-turn',
      text: `select ${TURN_COLUMNS}, cancel_requested_at is not null as cancelled from runs
              where conversation_id = $1 and status = 'created' order by queue_seq limit 1`,
      values: [conversationId],
    });
    const row = rows[0];
    if (!row) return null;
    if (!row.cancelled) return toTurnInput(row);
    await db.query(
      `update runs set status = 'cancelled', stop_reason = 'cancelled', completed_at = now() where id = $1`,
      [row.id],
    );
    await appendEvents(db, row.id, [{ type: 'run-end', stopReason: 'cancelled' }]);
  }
}

/** Columns of `runs` that make the input of its workflow. */
export const TURN_COLUMNS = `id, agent_id, conversation_id, jsonb_typeof(request -> 'approvals') = 'array' as is_answer, request ? 'compact' as is_compaction`;
export interface TurnRow {
  readonly id: string;
  readonly agent_id: string;
  readonly conversation_id: string;
  readonly is_answer: boolean;
  readonly is_compaction: boolean;
}
export const toTurnInput = (row: TurnRow): TurnInput => ({
  runId: row.id,
  agentId: row.agent_id,
  conversationId: row.conversation_id,
  ...(row.is_answer && { isAnswer: true }),
  ...(row.is_compaction && { isCompaction: true }),
});

/** See `TurnStore.findNextTurn`. */
export const findNextTurn = (pool: Pool, conversationId: string): Promise<TurnInput | null> =>
  inTransaction(pool, (db) => takeNextTurn(db, conversationId));
