import { findStrandedRetries } from '../db/effects';
import { findStrandedRuns } from '../db/mint-run';
import { findStrandedUndos } from '../db/undo';
import type { ApiDeps } from './deps';
import { repeat } from './repeat';

const INTERVAL_MS = 2_000;

/**
 * Starts runs that were stored but that no workflow holds: the process that stored them died before it could start
 * them, or Temporal lost its state. A conversation whose workflow is there refuses the start, so this never makes a
 * second turn.
 */
export function startSweeper({ db, turns, log }: Pick<ApiDeps, 'db' | 'turns' | 'log'>): () => void {
  async function sweep(): Promise<void> {
    for (const run of await findStrandedRuns(db)) {
      if (!(await turns.startIfIdle(run))) continue;
      log.warn({ runId: run.runId }, 'started a run that no workflow held');
    }
    for (const retry of await findStrandedRetries(db)) await turns.startTool(retry);
    for (const runId of await findStrandedUndos(db)) await turns.startUndo(runId);
  }
  // Postgres or Temporal is away: the next sweep looks again.
  return repeat(INTERVAL_MS, sweep, (error) => log.debug({ err: error }, 'the sweep failed'));
}
