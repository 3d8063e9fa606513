import { findUnstarted } from '../db/mint-run';
import type { ApiDeps } from './deps';

/**
 * Starts a run that has waited for a second, because somebody asks for it again: the process that stored it may have died
 * before it could. Where a workflow has the conversation this only tells it once more that a message waits. Never throws:
 * what fails is left to the sweeper.
 */
export async function startUnstarted(
  { db, turns, log }: Pick<ApiDeps, 'db' | 'turns' | 'log'>,
  runId: string,
): Promise<void> {
  try {
    const turn = await findUnstarted(db, runId);
    if (turn) await turns.start(turn);
  } catch (error) {
    log.debug({ err: error, runId }, 'a run that waits could not be started');
  }
}
