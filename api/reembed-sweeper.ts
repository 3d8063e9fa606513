import { findStrandedReembeds } from '../db/archives/reembeds';
import type { ApiDeps } from './deps';
import { repeat } from './repeat';

const INTERVAL_MS = 5_000;

/** Starts changes of an archive's model that were stored and that no workflow holds. Returns how to stop. */
export function startReembedSweeper({
  db,
  archives,
  log,
}: Pick<ApiDeps, 'db' | 'archives' | 'log'>): () => void {
  async function sweep(): Promise<void> {
    for (const reembedId of await findStrandedReembeds(db)) await archives.startReembed({ reembedId });
  }
  // Postgres or Temporal is away: the next sweep looks again.
  return repeat(INTERVAL_MS, sweep, (error) => log.debug({ err: error }, 'the sweep of archives failed'));
}
