import { AppError } from '../domain/errors';
import type { StoppedTurn, TurnInput } from '../domain/turn';
import type { MultitaskStrategy } from '../domain/inbox';
import type { RequestIdentity } from '../domain/request-identity';
import type { TurnRequest } from '../domain/turn-request';
import type { RunStatus } from '../domain/run';
import { denyPending } from './approvals';
import { endRun, toTurnInput, TURN_COLUMNS, type TurnRow } from './end-run';
import { inTransaction, type Pool, type Queryable } from './pool';
import { RUN_CANCELLED_CHANNEL } from './run-events';

export interface RunToMint {
  readonly id: string;
  readonly agentId: string;
  readonly conversationId: string;
  readonly background: boolean;
  readonly streamTokens: boolean;
  readonly maxSteps: number;
  readonly request: TurnRequest;
  readonly requestConfig: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly callbackUrl: string | null;
  /** Stored even while an approval is pending: an answer to it, or a request that hears of it in its stream. */
  readonly ignoresPending: boolean;
  /** What becomes of it if a turn is in progress; null where the client left that to the route. */
  readonly strategy: MultitaskStrategy | null;
  /** What makes another sending of the same request find this run. */
  readonly identity?: RequestIdentity;
  /** The batch that it is one of: that starts it. */
  readonly batchId?: string;
}

export interface MintedRun {
  readonly hasAgent: boolean;
  /** False if nothing was stored; an earlier sending of the same request is one reason. */
  readonly isStored: boolean;
  /** The approval request that must be answered first; then nothing was stored. */
  readonly pendingRequestId: string | null;
  /** Whether a run of the conversation was in progress. */
  readonly isBusy: boolean;
  /** How long ago the agent's last run ended, in milliseconds; null before the first one. */
  readonly endedMsAgo: number | null;
  readonly createdAt: Date;
}

/**
 * Stores a run before its workflow starts, unless a run with the same key is there. The lock lets an SDK's retry wait
 * for this statement (`mintOnce`). This row is the only thing the API writes of a turn.
 */
export async function mintRun(db: Queryable, run: RunToMint): Promise<MintedRun> {
  const { rows } = await db.query<{
    has_agent: boolean;
    is_stored: boolean;
    pending: string | null;
    is_busy: boolean;
    ended_ms_ago: number | null;
    now: Date;
  }>({
    name: 'mint-run-of-batch',
    text: `with agent as (select a.id, a.last_run_completion from agents a join conversations c on c.agent_id = a.id where a.id = $2 and c.id = $3),
          pending as (select m.id from messages m join steps s on s.id = m.step_id
                       where m.conversation_id = $3 and not m.in_context and m.role = 'approval_request'
                         and s.outcome ? 'pending' and not $11 limit 1),
          sending as materialized (select pg_advisory_xact_lock(hashtextextended($13, 0))),
          minted as (insert into runs (id, agent_id, conversation_id, background, stream_tokens, max_steps, request,
                                       request_config, metadata, callback_url, request_key, request_hash, batch_id, multitask_strategy)
                     select $1, agent.id, $3, $4, $5, $6, $7, $8, $9, $10, $12, $13, $15,
                            case when $14::text is not null then $14
                                 when exists (select from runs where conversation_id = $3 and status in ('created', 'running'))
                                 then 'enqueue' end
                       from agent cross join sending
                      where not exists (select from pending)
                     on conflict (conversation_id, request_key) where request_key is not null do nothing returning id)
     select now() as now, exists (select from agent) as has_agent, exists (select from minted) as is_stored, (select id from pending) as pending,
            (select extract(epoch from clock_timestamp() - last_run_completion)::float8 * 1000 from agent) as ended_ms_ago,
            exists (select from runs where conversation_id = $3 and status = 'running') as is_busy`,
    values: [
      run.id,
      run.agentId,
      run.conversationId,
      run.background,
      run.streamTokens,
      run.maxSteps,
      JSON.stringify(run.request),
      JSON.stringify(run.requestConfig),
      JSON.stringify(run.metadata),
      run.callbackUrl,
      run.ignoresPending,
      run.identity?.key ?? null,
      run.identity?.hash ?? null,
      run.strategy,
      run.batchId ?? null,
    ],
  });
  const row = rows[0];
  if (!row) throw new AppError('INTERNAL', 'the statement that stores a run returned no row');
  return {
    hasAgent: row.has_agent,
    isStored: row.is_stored,
    pendingRequestId: row.pending,
    isBusy: row.is_busy,
    endedMsAgo: row.ended_ms_ago,
    createdAt: row.now,
  };
}

/** Takes back a run whose workflow could not be started. A run that started meanwhile stays. */
export async function unmintRun(db: Queryable, runId: string): Promise<void> {
  await db.query(`delete from runs where id = $1 and status = 'created'`, [runId]);
}

/** `isUndone`: what its tools did is to be taken back. */
export type StoppedRun = StoppedTurn & { readonly isUndone?: boolean };

/**
 * Asks runs of an agent to stop: those that wait are closed here, those in progress are marked and the workers that
 * hold them are told. A message that joined a turn stops that turn. Returns the ones that were not over yet; `runIds` null means all.
 */
export function requestCancel(
  pool: Pool,
  agentId: string,
  runIds: readonly string[] | null,
): Promise<readonly StoppedRun[]> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ id: string; conversation_id: string; status: RunStatus }>(
      `with named as (select id from runs
                       where agent_id = $1 and status in ('created', 'running')
                         and ($2::text[] is null or id = any ($2)
                              or id in (select joined_run_id from runs where id = any ($2)))
                       order by queue_seq for no key update),
            stopped as (update runs set cancel_requested_at = coalesce(cancel_requested_at, now())
                         where id in (select id from named) returning id, conversation_id, status)
       select id, conversation_id, status, pg_notify('${RUN_CANCELLED_CHANNEL}', id) from stopped`,
      [agentId, runIds],
    );
    const stopped = rows.map((row) => ({
      runId: row.id,
      conversationId: row.conversation_id,
      status: row.status,
    }));
    const denied = await denyPendingOf(db, agentId, runIds);
    for (const run of stopped.filter(({ status }) => status === 'created')) {
      await endRun(db, { ...run, stopReason: 'cancelled' });
    }
    return [...stopped, ...denied];
  });
}

/** The turn of a run that has waited for a second without a workflow having taken it; null for any other run. */
export async function findUnstarted(db: Queryable, runId: string): Promise<TurnInput | null> {
  const { rows } = await db.query<TurnRow>(
    `select ${TURN_COLUMNS} from runs where id = $1 and status = 'created' and joined_run_id is null
        and created_at < now() - interval '1 second'`,
    [runId],
  );
  return rows[0] ? toTurnInput(rows[0]) : null;
}

/**
 * The first unfinished run of each conversation that seems to be held by no workflow: it was stored four seconds ago and
 * has not begun, or has shown no life for ten seconds, neither by the claim of a step nor by an event. The runs of a batch
 * wait for their places (`findBatchRunsToStart`).
 */
export async function findStrandedRuns(db: Queryable): Promise<readonly TurnInput[]> {
  const { rows } = await db.query<TurnRow>(
    `select id, agent_id, conversation_id, is_answer, is_compaction from (
       select distinct on (conversation_id) ${TURN_COLUMNS}, status, created_at, batch_id
         from runs where status in ('created', 'running') and joined_run_id is null order by conversation_id, status desc, queue_seq) first
      where created_at < now() - case status when 'created' then interval '4 seconds' else interval '10 seconds' end
        and (status = 'running' or batch_id is null)
        and not exists (select from run_events e where e.run_id = first.id and e.created_at > now() - interval '10 seconds')
        and not exists (select from steps s where s.run_id = first.id and s.status = 'pending'
                           and s.started_at > now() - interval '10 seconds')
      limit 100`,
  );
  return rows.map(toTurnInput);
}

/** A run that ended in a request was not over for its user: as in the original it is a cancelled one from here on. */
async function markCancelled(db: Queryable, runId: string): Promise<void> {
  await db.query(
    `with run as (update runs set status = 'cancelled', stop_reason = 'cancelled'
                   where id = $1 and status = 'completed' and stop_reason = 'requires_approval' returning agent_id)
     update agents set last_stop_reason = 'cancelled' from run where agents.id = run.agent_id`,
    [runId],
  );
}

/** Runs that ended in a request for approval are cancelled by denying what they asked for. */
async function denyPendingOf(
  db: Queryable,
  agentId: string,
  runIds: readonly string[] | null,
): Promise<readonly StoppedRun[]> {
  const { rows } = await db.query<{ conversation_id: string; run_id: string }>(
    `select m.conversation_id, m.run_id from messages m join steps s on s.id = m.step_id
      where m.agent_id = $1 and m.role = 'approval_request' and not m.in_context and s.outcome ? 'pending'
        and ($2::text[] is null or m.run_id = any ($2))`,
    [agentId, runIds],
  );
  for (const row of rows) {
    await denyPending(db, row.conversation_id);
    await markCancelled(db, row.run_id);
  }
  return rows.map((row) => ({ runId: row.run_id, conversationId: row.conversation_id }));
}
