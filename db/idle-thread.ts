import { AppError } from '../domain/errors';
import { findActiveRun } from './conversations';
import type { Queryable } from './pool';

/**
 * Holds a thread until the transaction ends, so that no turn of it begins meanwhile; `CONFLICT` while one is under way.
 * `doing` says what for.
 */
export async function lockIdleThread(db: Queryable, conversationId: string, doing: string): Promise<void> {
  // A run that is being stored holds the row until it is there.
  await db.query('select from conversations where id = $1 for update', [conversationId]);
  const runId = await findActiveRun(db, conversationId);
  if (runId !== null) throw threadIsBusy(runId, doing);
}

export const threadIsBusy = (runId: string, doing: string): AppError =>
  new AppError(
    'CONFLICT',
    `CONFLICT: Cannot ${doing}: Another request (run_id=${runId}) is currently being processed for this ` +
      'conversation. Wait until it ends, or cancel it.',
    { facts: { runId } },
  );
