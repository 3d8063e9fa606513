import { findBatchRunsToStart } from '../db/batches';
import type { ApiDeps } from './deps';
import { repeat } from './repeat';

const INTERVAL_MS = 250;

/**
 * Starts the runs of batches as places become free. What is due is read from Postgres each time, so it goes on in any process
 * after any death, and a run that two processes start is started once. Returns how to stop.
 */
export function startBatchStarter({ db, turns, log }: Pick<ApiDeps, 'db' | 'turns' | 'log'>): () => void {
  async function startDue(): Promise<void> {
    const due = await findBatchRunsToStart(db);
    await Promise.all(due.map((run) => turns.startIfIdle(run)));
  }
  // Postgres or Temporal is away: what is due stays due.
  return repeat(INTERVAL_MS, startDue, (error) => log.debug({ err: error }, 'batches wait'));
}
