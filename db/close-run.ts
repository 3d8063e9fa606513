import type { RunError } from '../domain/run-event';
import type { CloseRunInput, TurnEnd } from '../domain/turn';
import { toRunError } from '../domain/run-error';
import { endRun } from './end-run';
import { releaseSteered } from './inbox';
import { keepPartial } from './keep-partial';
import { inTransaction, type Pool, type Queryable } from './pool';
import { closeOpenCalls } from './tool-ledger';

/** Ends a run that did not end by itself. Repeating it changes nothing. */
export const closeRun = (pool: Pool, input: CloseRunInput): Promise<TurnEnd> =>
  inTransaction(pool, (db) => endEarly(db, input));

/**
 * Ends a run in the caller's transaction. Steps still in progress are taken from whoever holds them, so a late reply
 * or result of a dead attempt changes nothing.
 */
export async function endEarly(
  db: Queryable,
  { runId, conversationId, stopReason, code }: CloseRunInput,
): Promise<TurnEnd> {
  await lockSteps(db, runId);
  const isCancelled = stopReason === 'cancelled';
  const why = isCancelled ? 'The user cancelled the turn' : `The turn failed (${code ?? stopReason})`;
  await closeOpenCalls(db, runId, `${why} before this call finished.`);
  const { rows } = await db.query<{ error: RunError | null; id: string; index: number }>(
    `update steps set attempt = attempt + 1, status = $2, completed_at = now()
      where run_id = $1 and status = 'pending' returning id, index, error`,
    [runId, isCancelled ? 'cancelled' : 'failed'],
  );
  for (const step of rows) {
    if (isCancelled) await keepPartial(db, { runId, stepId: step.id });
    await releaseSteered(db, runId, step);
  }
  const error = isCancelled ? undefined : (rows[0]?.error ?? toRunError(code));
  return endRun(db, { runId, conversationId, stopReason, error });
}

/**
 * Whoever stores a reply or a result holds its step before it changes the run: so does whoever ends the run. The step
 * whose calls an approval handed to this run is another run's.
 */
export async function lockSteps(db: Queryable, runId: string): Promise<void> {
  await db.query(
    `select from steps where id = (select id from steps where run_id = $1 order by index desc limit 1)
                          or id in (select step_id from messages where run_id = $1 and not in_context)
      order by id for no key update`,
    [runId],
  );
}
