import type { RunError } from '../domain/run-event';
import type { CloseRunInput, TurnEnd } from '../domain/turn';
import { toRunError } from '../domain/run-error';
import { endRun } from './end-run';
import { keepPartial } from './keep-partial';
import { inTransaction, type Pool } from './pool';
import { closeOpenCalls } from './tool-ledger';

/**
 * Ends a run that did not end by itself. Steps still in progress are taken from whoever holds them, so a late reply
 * or result of a dead attempt changes nothing. Repeating it changes nothing.
 */
export function closeRun(
  pool: Pool,
  { runId, conversationId, stopReason, code }: CloseRunInput,
): Promise<TurnEnd> {
  return inTransaction(pool, async (db) => {
    const why =
      stopReason === 'cancelled' ? 'The user cancelled the turn' : `The turn failed (${code ?? stopReason})`;
    await closeOpenCalls(db, runId, `${why} before this call finished.`);
    const { rows } = await db.query<{ error: RunError | null; id: string }>(
      `update steps set attempt = attempt + 1, status = $2, completed_at = now()
        where run_id = $1 and status = 'pending' returning id, error`,
      [runId, stopReason === 'cancelled' ? 'cancelled' : 'failed'],
    );
    if (stopReason === 'cancelled') for (const { id } of rows) await keepPartial(db, { runId, stepId: id });
    const error = stopReason === 'cancelled' ? undefined : (rows[0]?.error ?? toRunError(code));
    return endRun(db, { runId, conversationId, stopReason, error });
  });
}
