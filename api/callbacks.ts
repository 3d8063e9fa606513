import { request } from 'undici';
import { deliverNextCallback, deliverNextOfBatch, type Delivery } from '../db/callbacks';
import type { RunResult } from '../db/runs';
import type { Batch } from '../domain/batch';
import type { ApiDeps } from './deps';
import { repeat } from './repeat';
import { toBatchMetadata } from './wire/batch';
import { toNaiveMicros } from './wire/dates';
import { speakerOf } from './wire/message';
import { toWireResponse, toWireRun } from './wire/run';

const INTERVAL_MS = 500;
const TIMEOUT_MS = 5_000;

/**
 * Tells the `callback_url` of async runs that they ended: `{run_id, status, completed_at, metadata}` with the answer in
 * `metadata.result`; that of a batch the same with its `job_id` and without answers. One attempt of five seconds; a failed
 * one is recorded and fails nothing else. Returns how to stop.
 */
export function startCallbacks({ db, log }: Pick<ApiDeps, 'db' | 'log'>): () => void {
  async function deliverAll(): Promise<void> {
    while (await deliverNextCallback(db, (url, result) => post(url, toCallback(result))));
    while (await deliverNextOfBatch(db, (url, batch) => post(url, toBatchCallback(batch))));
  }
  // Postgres is away: what is due stays due.
  return repeat(INTERVAL_MS, deliverAll, (error) => log.debug({ err: error }, 'callbacks wait'));
}

async function post(url: string, body: unknown): Promise<Delivery> {
  try {
    // Not fetch: it writes header names in small letters, and receivers exist that look for them as the original writes them.
    const response = await request(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body.dump();
    return { status: response.statusCode };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

const toBatchCallback = (batch: Batch) => ({
  job_id: batch.id,
  status: batch.status,
  completed_at: toNaiveMicros(batch.completedAt ?? new Date()),
  metadata: toBatchMetadata(batch),
});

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
