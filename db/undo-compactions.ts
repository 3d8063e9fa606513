import type { Queryable } from './pool';

/** Puts back into the context what summaries of a run stand for; the summaries themselves go with the run's messages. */
export async function undoCompactions(db: Queryable, runId: string): Promise<void> {
  await db.query(
    `update messages set in_context = true, compacted_by = null
      where compacted_by in (select summary_id from compactions where run_id = $1 and summary_id is not null)`,
    [runId],
  );
}
