import { request } from 'undici';
import { deliverNextCallback, type Delivery } from '../db/callbacks';
import type { RunResult } from '../db/runs';
import type { ApiDeps } from './deps';
import { repeat } from './repeat';
import { toNaiveMicros } from './wire/dates';
import { speakerOf } from './wire/message';
import { toWireResponse, toWireRun } from './wire/run';

const INTERVAL_MS = 500;
const TIMEOUT_MS = 5_000;

/**
 * Tells the `callback_url` of async runs that they ended: `{run_id, status, completed_at, metadata}` with the answer in
 * `metadata.result`. One attempt of five seconds; a failed one is recorded on the run and never fails it. Returns how
 * to stop.
 */
export function startCallbacks({ db, log }: Pick<ApiDeps, 'db' | 'log'>): () => void {
  async function deliverAll(): Promise<void> {
    while (await deliverNextCallback(db, deliver));
  }
  // Postgres is away: what is due stays due.
  return repeat(INTERVAL_MS, deliverAll, (error) => log.debug({ err: error }, 'callbacks wait'));
}

async function deliver(url: string, result: RunResult): Promise<Delivery> {
  try {
    // Not fetch: it writes header names in small letters, and receivers exist that look for them as the original writes them.
    const response = await request(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(toCallback(result)),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body.dump();
    return { status: response.statusCode };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

function toCallback(result: RunResult) {
  const { id, status, completed_at: completedAt, metadata } = toWireRun(result.run);
  return {
    run_id: id,
    status,
    completed_at: completedAt ?? toNaiveMicros(new Date()),
    metadata: {
      ...metadata,
      result: toWireResponse(result, { speaker: speakerOf(result.run.requestConfig) }),
    },
  };
}
