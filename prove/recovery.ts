import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '../db/pool';

const POLL_MS = 30;
// How long an agent without an open run is watched: its client may be about to send the next message.
const IDLE_MS = 5_000;

// A claim that only says "again" (a rewind) is no progress.
const NEXT_STEP = `
  with theirs as (select id, status from runs where agent_id = (select agent_id from runs where id = $1))
  select (select extract(epoch from min(at)) * 1000 as at from (
    select created_at as at from run_events where run_id in (select id from theirs) and event ->> 'type' <> 'rewind'
    union all select completed_at from steps where run_id in (select id from theirs)
    union all select claimed_at from tool_executions where run_id in (select id from theirs)
    union all select finished_at from tool_executions where run_id in (select id from theirs)
    union all select completed_at from runs where id in (select id from theirs)) rows
   where at > to_timestamp($2::float8 / 1000)) as at,
   exists (select from theirs where status in ('created', 'running')) as is_open`;

/** How the agent of a struck run went on. */
export type Recovery =
  | { readonly at: number }
  /** Nothing of it was left to do. */
  | { readonly isIdle: true }
  /** It stored nothing until the deadline. */
  | { readonly isStuck: true };

/** When the agent of a run next stored something after a moment; `onWait` runs at each look. */
export async function nextDurableStep(
  pool: Pool,
  runId: string,
  options: {
    readonly after: number;
    readonly deadline: number;
    readonly onWait: () => void;
    readonly signal: AbortSignal;
  },
): Promise<Recovery> {
  const { after, deadline, onWait, signal } = options;
  const idleAt = Date.now() + IDLE_MS;
  while (Date.now() < deadline) {
    signal.throwIfAborted();
    onWait();
    const found = await pool
      .query<{ at: string | null; is_open: boolean }>(NEXT_STEP, [runId, after])
      .then(({ rows }) => rows[0])
      .catch(() => undefined); // Postgres is what was killed.
    if (found?.at != null) return { at: Number(found.at) };
    if (found && !found.is_open && Date.now() > idleAt) return { isIdle: true };
    await sleep(POLL_MS);
  }
  return { isStuck: true };
}

/** A run that is in progress on one of these agents, for kills at no boundary. */
export async function runInProgress(pool: Pool, agentIds: readonly string[]): Promise<string | null> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from runs where status = 'running' and agent_id = any ($1) order by created_at desc limit 1`,
    [agentIds],
  );
  return rows[0]?.id ?? null;
}
