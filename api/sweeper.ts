import { findStrandedRuns } from '../db/mint-run';
import type { ApiDeps } from './deps';

const INTERVAL_MS = 5_000;

/**
 * Starts runs that were stored but that no workflow holds: the process that stored them died before it could start
 * them, or Temporal lost its state. A conversation whose workflow is there refuses the start, so this never makes a
 * second turn.
 */
export function startSweeper({ db, turns, log }: Pick<ApiDeps, 'db' | 'turns' | 'log'>): () => void {
  let isSweeping = false;
  async function sweep(): Promise<void> {
    if (isSweeping) return;
    isSweeping = true;
    try {
      for (const run of await findStrandedRuns(db)) {
        if (await turns.startIfIdle(run))
          log.warn({ runId: run.runId }, 'started a run that no workflow held');
      }
    } catch (error) {
      // Postgres or Temporal is away: the next sweep looks again.
      log.debug({ err: error }, 'sweep failed');
    } finally {
      isSweeping = false;
    }
  }
  const timer = setInterval(() => void sweep(), INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}
