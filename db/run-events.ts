import type { RunEvent } from '../domain/run-event';
import { toJsonb } from './json';
import type { Queryable } from './pool';

/** Channel that says "run X has events up to N"; the payload is `runId`, with ` end` appended when the run closed. */
export const RUN_EVENTS_CHANNEL = 'run_events';
/** Channel that says "run X shall stop"; the payload is the run id. */
export const RUN_CANCELLED_CHANNEL = 'run_cancelled';

export interface StoredRunEvent {
  readonly seq: number;
  readonly event: RunEvent;
  readonly createdAt: Date;
}

/** Numbers and stores events inside the caller's transaction and wakes watchers when it commits. */
export async function appendEvents(db: Queryable, runId: string, events: readonly RunEvent[]): Promise<void> {
  if (events.length === 0) return;
  await db.query({
    name: 'append-events',
    text: `with run as (update runs set event_seq = event_seq + $2 where id = $1 returning event_seq),
          stored as (insert into run_events (run_id, seq, event)
                     select $1, run.event_seq - $2 + item.position, item.event
                       from run, jsonb_array_elements($3::jsonb) with ordinality as item (event, position))
     select pg_notify('${RUN_EVENTS_CHANNEL}', $4) from run`,
    values: [runId, events.length, toJsonb(events), noticeOf(runId, events)],
  });
}

/**
 * Stores events of an attempt that is still at work, in one statement. False if the attempt no longer owns its step:
 * then nothing was stored.
 */
export async function appendEventsOfAttempt(
  db: Queryable,
  { runId, stepId, attempt }: { runId: string; stepId: string; attempt: number },
  events: readonly RunEvent[],
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'append-events-of-attempt',
    text: `with owner as (select 1 from steps where id = $5 and attempt = $6 and status = 'pending' for no key update),
          run as (update runs set event_seq = event_seq + $2 where id = $1 and exists (select from owner)
                  returning event_seq),
          stored as (insert into run_events (run_id, seq, event)
                     select $1, run.event_seq - $2 + item.position, item.event
                       from run, jsonb_array_elements($3::jsonb) with ordinality as item (event, position))
     select pg_notify('${RUN_EVENTS_CHANNEL}', $4) from run`,
    values: [runId, events.length, toJsonb(events), noticeOf(runId, events), stepId, attempt],
  });
  return rowCount === 1;
}

/**
 * Stores a numbered batch of deltas of an attempt that is still at work. Repeating it changes nothing. False if the
 * attempt no longer owns its step: then nothing was stored.
 */
export async function appendDeltaBatch(
  db: Queryable,
  { runId, stepId, attempt }: { runId: string; stepId: string; attempt: number },
  events: readonly RunEvent[],
  batch: number,
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: 'append-delta-batch',
    text: `with owner as (update steps set delta_attempt = $6, delta_batch = $7
                   where id = $5 and attempt = $6 and status = 'pending' and (delta_attempt <> $6 or delta_batch < $7)
                  returning 1),
          run as (update runs set event_seq = event_seq + $2 where id = $1 and exists (select from owner)
                  returning event_seq),
          stored as (insert into run_events (run_id, seq, event)
                     select $1, run.event_seq - $2 + item.position, item.event
                       from run, jsonb_array_elements($3::jsonb) with ordinality as item (event, position))
     select pg_notify('${RUN_EVENTS_CHANNEL}', $4) from run`,
    values: [runId, events.length, toJsonb(events), noticeOf(runId, events), stepId, attempt, batch],
  });
  if (rowCount === 1) return true;
  const stored = await db.query(
    `select from steps where id = $1 and attempt = $2 and status = 'pending' and delta_attempt = $2 and delta_batch >= $3`,
    [stepId, attempt, batch],
  );
  return stored.rowCount === 1;
}

/**
 * The events after `afterSeq`, in order, at most `limit`. A run that joined another one's turn goes on with that one's
 * events, numbered behind its own.
 */
export async function readEvents(
  db: Queryable,
  runId: string,
  afterSeq: number,
  limit: number,
): Promise<readonly StoredRunEvent[]> {
  const { rows } = await db.query<{ seq: number; shift: number; event: RunEvent; created_at: Date }>({
    name: 'read-events',
    text: `(select seq, 0::bigint as shift, event, created_at from run_events where run_id = $1 and seq > $2 order by seq limit $3)
     union all
     (select e.seq + j.event_seq - j.joined_after, j.event_seq - j.joined_after, e.event, e.created_at
        from runs j join run_events e on e.run_id = j.joined_run_id
                                     and e.seq > j.joined_after + greatest($2 - j.event_seq, 0)
       where j.id = $1 order by e.seq limit $3)
     order by seq limit $3`,
    values: [runId, afterSeq, limit],
  });
  return rows.map(({ seq, shift, event, created_at: createdAt }) => ({
    seq,
    createdAt,
    event: event.type === 'rewind' ? { ...event, fromSeq: event.fromSeq + shift } : event,
  }));
}

/** What watchers of the run are told about these events. */
export function noticeOf(runId: string, events: readonly RunEvent[]): string {
  return events.some((event) => event.type === 'run-end') ? `${runId} end` : runId;
}
