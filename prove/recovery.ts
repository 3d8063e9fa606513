import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from '../db/pool';

const POLL_MS = 40;

// A claim that only says "again" (a rewind) is no progress.
const NEXT_STEP = `
  with theirs as (select id from runs where agent_id = (select agent_id from runs where id = $1))
  select extract(epoch from min(at)) * 1000 as at from (
    select created_at as at from run_events where run_id in (select id from theirs) and event ->> 'type' <> 'rewind'
    union all select completed_at from steps where run_id in (select id from theirs)
    union all select claimed_at from tool_executions where run_id in (select id from theirs)
    union all select finished_at from tool_executions where run_id in (select id from theirs)
    union all select completed_at from runs where id in (select id from theirs)) rows
   where at > to_timestamp($2::float8 / 1000)`;

/** When the agent of a run next stored something after a moment; null when it has not by the deadline. */
export async function nextDurableStep(
  pool: Pool,
  runId: string,
  { after, deadline }: { readonly after: number; readonly deadline: number },
): Promise<number | null> {
  while (Date.now() < deadline) {
    const found = await pool
      .query<{ at: string | null }>(NEXT_STEP, [runId, after])
      .then(({ rows }) => rows[0]?.at ?? null)
      .catch(() => null); // Postgres is what was killed.
    if (found !== null) return Number(found);
    await sleep(POLL_MS);
  }
  return null;
}

/** A run that is in progress on one of these agents, for kills at no boundary. */
export async function runInProgress(pool: Pool, agentIds: readonly string[]): Promise<string | null> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from runs where status = 'running' and agent_id = any ($1) order by created_at desc limit 1`,
    [agentIds],
  );
  return rows[0]?.id ?? null;
}
