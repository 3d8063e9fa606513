import { setTimeout as sleep } from 'node:timers/promises';
import { fromDatabaseError } from './database-error';

const GIVE_UP_MS = 30_000;
const PAUSE_MS = 100;

/**
 * Repeats `read` while Postgres is away, for at most 30 seconds: whoever waits for a turn outlasts a restart of the
 * database, as the turn itself does. For reads, and for writes that
 * refuse to happen twice: one that failed may have happened.
 */
export async function outlastRestart<T>(read: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  for (;;) {
    try {
      return await read();
    } catch (error) {
      const isAway = fromDatabaseError(error)?.code === 'UNAVAILABLE';
      if (!isAway || Date.now() > giveUpAt) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
