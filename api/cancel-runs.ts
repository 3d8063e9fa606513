import { requestCancel } from '../db/mint-run';
import type { StoppedTurn } from '../domain/turn';
import type { ApiDeps } from './deps';

/** Asks these runs of an agent to stop, or all of them (`null`), and tells their workflows. Returns those that were not over. */
export async function cancelRuns(
  { db, turns }: Pick<ApiDeps, 'db' | 'turns'>,
  agentId: string,
  runIds: readonly string[] | null,
): Promise<readonly StoppedTurn[]> {
  const stopped = await requestCancel(db, agentId, runIds);
  await Promise.all(stopped.map((run) => turns.cancel(run)));
  return stopped;
}
