import { AppError } from '../domain/errors';
import type { BegunResponse, OpenedStep } from '../domain/turn-state';
import type { Queryable } from './pool';

/** Keeps the provider's id of the response that this attempt has begun. Repeating it changes nothing. */
export async function beginResponse(db: Queryable, step: OpenedStep, responseId: string): Promise<void> {
  const { rowCount } = await db.query(
    `update steps set begun_response = $3, begun_attempt = attempt
      where id = $1 and attempt = $2 and status = 'pending'`,
    [step.stepId, step.attempt, responseId],
  );
  if (rowCount === 1) return;
  throw new AppError('SUPERSEDED', `attempt ${step.attempt} of ${step.stepId} is not the current one`);
}

/** The response an earlier attempt of the step has begun, and how many of its deltas watchers have seen. */
export async function findBegunResponse(
  db: Queryable,
  { runId, stepId }: OpenedStep,
): Promise<BegunResponse | null> {
  const { rows } = await db.query<{ id: string; attempt: number; shown: number }>(
    `select begun_response as id, begun_attempt as attempt,
            (select count(*) from run_events
              where run_id = $1 and event ->> 'stepId' = $2 and event ->> 'type' like '%-delta'
                and seq > (select coalesce(max(seq), 0) from run_events
                            where run_id = $1 and event ->> 'stepId' = $2 and event ->> 'type' = 'rewind')) as shown
       from steps where id = $2 and begun_response is not null`,
    [runId, stepId],
  );
  return rows[0] ?? null;
}

/** Forgets a response that is gone or failed: the model is asked anew. */
export async function forgetResponse(db: Queryable, step: OpenedStep): Promise<void> {
  await db.query(
    `update steps set begun_response = null, begun_attempt = null where id = $1 and attempt = $2`,
    [step.stepId, step.attempt],
  );
}
