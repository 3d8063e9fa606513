import type { EffectResolution } from '../domain/effect';
import type { RunEvent } from '../domain/run-event';
import type { ToolOutcome } from '../domain/tool';
import { derivedId } from '../new-id';
import { toJsonb } from './json';
import type { Queryable } from './pool';
import { noticeOf, RUN_EVENTS_CHANNEL } from './run-events';

/**
 * Gives an unknown call its outcome, in the caller's transaction: ledger, message, and an event in the run's log. The
 * model is told by a note before the next turn. False if the call is not unknown; then nothing changes.
 */
export async function applyResolution(
  db: Queryable,
  key: string,
  resolution: EffectResolution,
  outcome: ToolOutcome,
): Promise<boolean> {
  const { rows } = await db.query<{ run_id: string; message_id: string; tool_call_id: string }>(
    `update tool_executions set status = 'done', resolution = $2, resolved = $3, resolved_at = now(), note_id = $4
      where key = $1 and status = 'unknown' returning run_id, message_id, tool_call_id`,
    [key, resolution, toJsonb(outcome), derivedId('message', key, 'resolved')],
  );
  const row = rows[0];
  if (!row) return false;
  await db.query(`update messages set parts = jsonb_set(parts, '{0,resolution}', $2) where id = $1`, [
    row.message_id,
    toJsonb(outcome),
  ]);
  await appendBeforeEnd(db, row.run_id, {
    type: 'effect-resolved',
    key,
    toolCallId: row.tool_call_id,
    messageId: row.message_id,
    resolution,
    status: outcome.status,
  });
  return true;
}

/**
 * Adds an event to the log of a run that may be over. The end of a run stays its last event, so every stream still ends
 * with it; the end takes the next number.
 */
async function appendBeforeEnd(db: Queryable, runId: string, event: RunEvent): Promise<void> {
  const { rows } = await db.query<{ event_seq: number }>(
    `update runs set event_seq = event_seq + 1 where id = $1 returning event_seq`,
    [runId],
  );
  const seq = rows[0]?.event_seq;
  if (seq === undefined) return;
  const { rowCount } = await db.query(
    `update run_events set seq = $2 where run_id = $1 and seq = $2 - 1 and event ->> 'type' = 'run-end'`,
    [runId, seq],
  );
  await db.query(`insert into run_events (run_id, seq, event) values ($1, $2, $3)`, [
    runId,
    rowCount === 1 ? seq - 1 : seq,
    toJsonb(event),
  ]);
  await db.query(`select pg_notify('${RUN_EVENTS_CHANNEL}', $1)`, [noticeOf(runId, [event])]);
}
