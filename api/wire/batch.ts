import { z } from 'zod';
import type { Batch } from '../../domain/batch';
import { DEFAULT_USER_ID, idPattern } from '../../domain/ids';
import { toWireMicros } from './dates';
import { pageFields } from './page';
import { queryChoice, queryText } from './query';
import { hasOneInput, requestFields } from './turn-request';

// What meets a turn in progress waits: only a client that is there can wish for something else.
const BatchRequest = z
  .object({ ...requestFields, agent_id: z.string().regex(new RegExp(idPattern('agent'))) })
  .omit({ multitask_strategy: true })
  .superRefine(hasOneInput);

export const CreateBatchBody = z.object({
  requests: z.array(BatchRequest).min(1),
  callback_url: z.url().min(1).max(2083).nullish(),
});
export type CreateBatchBody = z.output<typeof CreateBatchBody>;

export const ListBatchesQuery = z.object({
  ...pageFields({ limit: 100, order: 'desc' }),
  order_by: queryChoice(['created_at']),
});
export const BatchMessagesQuery = ListBatchesQuery.extend({ agent_id: queryText() });

/** A batch in the form of the job that it is for Letta's clients. */
export const toWireBatch = (batch: Batch) => ({
  created_by_id: DEFAULT_USER_ID,
  last_updated_by_id: DEFAULT_USER_ID,
  created_at: toWireMicros(batch.createdAt),
  updated_at: toWireMicros(batch.completedAt ?? batch.createdAt),
  status: batch.status,
  completed_at: batch.completedAt && toWireMicros(batch.completedAt),
  stop_reason: null,
  metadata: toBatchMetadata(batch),
  job_type: 'batch',
  background: null,
  agent_id: null,
  callback_url: batch.callbackUrl,
  callback_sent_at: batch.callbackSentAt && toWireMicros(batch.callbackSentAt),
  callback_status_code: batch.callbackStatusCode,
  callback_error: batch.callbackError,
  ttft_ns: null,
  total_duration_ns: null,
  id: batch.id,
  user_id: DEFAULT_USER_ID,
});

/** `runs` is ours: how many of them are in each state. */
export const toBatchMetadata = ({ counts }: Batch) => ({ job_type: 'batch_messages', runs: counts });
