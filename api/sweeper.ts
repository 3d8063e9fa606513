import { findStrandedRetries } from '../db/effects';
import { findStrandedRuns } from '../db/mint-run';
import { isRunOver } from '../db/runs';
import { findStrandedUndos } from '../db/undo';
import type { ApiDeps } from './deps';
import { repeat } from './repeat';

const INTERVAL_MS = 2_000;

type SweeperDeps = Pick<ApiDeps, 'db' | 'turns' | 'log'>;

/**
 * Starts runs that were stored but that no workflow holds: the process that stored them died before it could start
 * them, or Temporal lost its state. A conversation whose workflow is there refuses the start, so this never makes a
 * second turn.
 */
export function startSweeper(deps: SweeperDeps): () => void {
  // Postgres or Temporal is away: the next sweep looks again.
  return repeat(
    INTERVAL_MS,
    () => sweep(deps),
    (error) => deps.log.debug({ err: error }, 'the sweep failed'),
  );
}

/** One round of the sweeper. */
export async function sweep({ db, turns, log }: SweeperDeps): Promise<void> {
  for (const run of await findStrandedRuns(db)) {
    // A workflow ends its run before it closes. Asked in this order, a run whose turn came to its end since the list was
    // read is not taken for one that nobody holds; where all wait for long, as under load, that is most of them.
    if ((await turns.isHeld(run.conversationId)) || (await isRunOver(db, run.runId))) continue;
    if (!(await turns.startIfIdle(run))) continue;
    log.warn({ runId: run.runId }, 'started a run that no workflow held');
  }
  for (const retry of await findStrandedRetries(db)) await turns.startTool(retry);
  for (const runId of await findStrandedUndos(db)) await turns.startUndo(runId);
}
