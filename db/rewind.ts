import type { OpenedStep } from '../domain/turn-state';
import type { Queryable } from './pool';
import { appendEventsOfAttempt } from './run-events';

/**
 * Tells watchers that a model call is begun anew: the deltas that earlier attempts of the step sent are void. Says
 * nothing when they sent none since the last time. An attempt that was superseded meanwhile writes nothing.
 */
export async function appendRewind(db: Queryable, step: OpenedStep): Promise<void> {
  const { rows } = await db.query<{ from_seq: number | null; characters: number }>(
    `select min(seq) as from_seq,
            coalesce(sum(length(coalesce(event ->> 'text', event ->> 'arguments', ''))), 0)::int as characters
       from run_events
      where run_id = $1 and event ->> 'stepId' = $2 and event ->> 'type' <> 'rewind'
        and seq > (select coalesce(max(seq), 0) from run_events
                    where run_id = $1 and event ->> 'stepId' = $2 and event ->> 'type' = 'rewind')`,
    [step.runId, step.stepId],
  );
  const fromSeq = rows[0]?.from_seq ?? null;
  if (fromSeq === null) return;
  const isTold = await appendEventsOfAttempt(db, step, [{ type: 'rewind', fromSeq, stepId: step.stepId }]);
  if (isTold) await countLost(db, step, Math.ceil((rows[0]?.characters ?? 0) / 4));
}

/** What the provider was paid for and nobody keeps; providers report no usage of a stream that broke. */
async function countLost(db: Queryable, { stepId }: OpenedStep, tokens: number): Promise<void> {
  await db.query(
    `update steps set lost_attempts = lost_attempts + 1, lost_completion_tokens = lost_completion_tokens + $2
      where id = $1`,
    [stepId, tokens],
  );
}
