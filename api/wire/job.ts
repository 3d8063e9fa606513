import { z } from 'zod';
import type { Run } from '../../db/runs';
import { DEFAULT_USER_ID } from '../../domain/ids';
import { toWireMicros } from './dates';
import { pageFields } from './page';
import { queryFlag, queryText } from './query';
import { toWireRun } from './run';

/** A run as clients know it who ask for jobs. */
export function toWireJob(run: Run) {
  const { status, completed_at, stop_reason, metadata, background, agent_id, ...shown } = toWireRun(run);
  return {
    created_by_id: DEFAULT_USER_ID,
    last_updated_by_id: DEFAULT_USER_ID,
    created_at: shown.created_at,
    updated_at: toWireMicros(run.completedAt ?? run.createdAt),
    status,
    completed_at,
    stop_reason,
    metadata,
    job_type: 'run',
    background,
    agent_id,
    callback_url: shown.callback_url,
    callback_sent_at: shown.callback_sent_at,
    callback_status_code: shown.callback_status_code,
    callback_error: shown.callback_error,
    ttft_ns: shown.ttft_ns,
    total_duration_ns: shown.total_duration_ns,
    id: run.id,
    user_id: DEFAULT_USER_ID,
  };
}

const filterFields = { source_id: queryText(), ascending: queryFlag() };
export const ListJobsQuery = z.object({
  ...filterFields,
  ...pageFields({ limit: 100, order: 'desc' }),
  active: queryFlag(),
});
export const ActiveJobsQuery = z.object({ ...filterFields, ...pageFields({ limit: 50, order: 'asc' }) });
