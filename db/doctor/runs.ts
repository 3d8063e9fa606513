import { finding, type Finding } from '../../domain/doctor';
import type { StopReason } from '../../domain/run';
import type { TurnInput } from '../../domain/turn';
import { lockSteps } from '../close-run';
import { endRun, toTurnInput, TURN_COLUMNS, type TurnRow } from '../end-run';
import { releaseSteered } from '../inbox';
import { inTransaction, type Pool, type Queryable } from '../pool';
import { RUN_EVENTS_CHANNEL } from '../run-events';

// What a turn in progress may take without a trace in the database, besides a slow model, about which Temporal is asked.
const SILENCE_SECONDS = 10;

/** A run that is not over and shows no life. */
export interface SilentRun {
  readonly turn: TurnInput;
  readonly silentSeconds: number;
  /** The end that its last step has reached already, or that the turn it joined has; null while it can go on. */
  readonly reached: StopReason | null;
  readonly isJoined: boolean;
}

interface SilentRow extends TurnRow {
  readonly silent_seconds: number;
  readonly reached: StopReason | null;
  readonly is_joined: boolean;
}

// The first run of each conversation that is not over (the others wait for it), and those that joined a turn that is over.
const SILENT = `
  select * from (
    select distinct on (runs.conversation_id, runs.joined_run_id is not null, case when runs.joined_run_id is not null then runs.id end)
           ${TURN_COLUMNS}, runs.joined_run_id is not null as is_joined, runs.status, runs.queue_seq,
           case when runs.joined_run_id is null
                then (select s.outcome -> 'end' ->> 'stopReason' from steps s where s.run_id = runs.id order by s.index desc limit 1)
                else (select h.stop_reason from runs h where h.id = runs.joined_run_id and h.status not in ('created', 'running')) end as reached,
           extract(epoch from now() - greatest(runs.created_at, runs.started_at,
             (select max(e.created_at) from run_events e where e.run_id = runs.id),
             (select max(greatest(s.started_at, s.completed_at)) from steps s where s.run_id = runs.id)))::float8 as silent_seconds
      from runs where runs.agent_id = $1 and runs.status in ('created', 'running')
     order by runs.conversation_id, runs.joined_run_id is not null, case when runs.joined_run_id is not null then runs.id end,
              runs.status desc, runs.queue_seq) unfinished
   where silent_seconds > ${SILENCE_SECONDS} and (not is_joined or reached is not null)`;

/** The runs of an agent that should be at work and show no life. Whether a workflow holds them, Temporal knows. */
export async function findSilentRuns(db: Queryable, agentId: string): Promise<readonly SilentRun[]> {
  const { rows } = await db.query<SilentRow>(SILENT, [agentId]);
  return rows.map((row) => ({
    turn: toTurnInput(row),
    silentSeconds: Math.round(row.silent_seconds),
    reached: row.reached,
    isJoined: row.is_joined,
  }));
}

/**
 * Closes a run with the end that it has reached already. One that is over keeps its end. Returns the message that waits
 * behind it.
 */
export function closeReached(
  pool: Pool,
  { turn: { runId, conversationId }, reached, isJoined }: SilentRun,
): Promise<TurnInput | null> {
  return inTransaction(pool, async (db) => {
    if (isJoined) {
      await closeJoined(db, runId);
      return null;
    }
    await lockSteps(db, runId);
    return (await endRun(db, { runId, conversationId, stopReason: reached ?? 'error' })).next;
  });
}

async function closeJoined(db: Queryable, runId: string): Promise<void> {
  await db.query(
    `with closed as (update runs set status = host.status, stop_reason = host.stop_reason, error = host.error, completed_at = now()
                       from runs host where runs.id = $1 and host.id = runs.joined_run_id and runs.status = 'running'
                        and host.status not in ('created', 'running') returning runs.id)
     select pg_notify('${RUN_EVENTS_CHANNEL}', id || ' end') from closed`,
    [runId],
  );
}

interface OpenStepRow {
  readonly id: string;
  readonly index: number;
  readonly runId: string;
  readonly conversationId: string;
  readonly status: string;
}
const OPEN_STEPS = `
  select s.id, s.index, s.run_id as "runId", r.conversation_id as "conversationId", r.status
    from steps s join runs r on r.id = s.run_id
   where s.status = 'pending' and r.status not in ('created', 'running')`;

/** Steps that are open although their run is over. */
export async function examineSteps(db: Queryable, agentId: string): Promise<readonly Finding[]> {
  const { rows } = await db.query<OpenStepRow>(`${OPEN_STEPS} and r.agent_id = $1`, [agentId]);
  return rows.map(({ id: stepId, index, runId, conversationId, status }) =>
    finding(
      'step_of_finished_run',
      { conversationId, runId, stepId },
      `Step ${index} is open, and its run is ${status}.`,
    ),
  );
}

/** Closes a step whose run is over, so that no attempt that is still alive can write through it. */
export function closeStep(pool: Pool, stepId: string): Promise<void> {
  return inTransaction(pool, async (db) => {
    await db.query(`select from steps where id = $1 for no key update`, [stepId]);
    const { rows } = await db.query<OpenStepRow>(`${OPEN_STEPS} and s.id = $1`, [stepId]);
    const row = rows[0];
    if (!row) return;
    await db.query(
      `update steps set attempt = attempt + 1, status = $2, completed_at = now() where id = $1`,
      [stepId, row.status === 'cancelled' ? 'cancelled' : 'failed'],
    );
    await releaseSteered(db, row.runId, row);
  });
}
