import type { Request } from 'express';
import { findBatches, insertBatch } from '../db/batches';
import { endRun } from '../db/end-run';
import { mintRun } from '../db/mint-run';
import { inTransaction, type Queryable } from '../db/pool';
import { storeOnce } from '../db/sent-requests';
import type { Batch } from '../domain/batch';
import { AppError } from '../domain/errors';
import { newId } from '../new-id';
import { checkAnswers } from './check-answers';
import type { ApiDeps } from './deps';
import { requestIdentity } from './request-identity';
import { resolveModel } from './resolve-model';
import { checkMinted, toRun, unwatched } from './send-turn';
import type { CreateBatchBody } from './wire/batch';

const PLACE = 'batches';

/**
 * Stores a batch with a run for each of its messages: all of them, or nothing. `api/batch-starter.ts` starts the runs. A
 * request that is sent again is the batch that it is already.
 */
export async function sendBatch(
  { db, models }: Pick<ApiDeps, 'db' | 'models'>,
  req: Request,
  { requests, callback_url: callbackUrl }: CreateBatchBody,
): Promise<Batch> {
  const identity = requestIdentity(req, { kind: 'batch', place: PLACE });
  const handles = new Set(requests.flatMap(({ override_model: handle }) => handle ?? []));
  for (const handle of handles) await resolveModel(models, handle);
  const [batch] = await inTransaction(db, (tx) => {
    const find = (ids: readonly string[]) => findBatches(tx, ids);
    const store = async () => {
      const id = newId('job');
      await insertBatch(tx, { id, callbackUrl: callbackUrl ?? null });
      for (const request of requests) await mintOne(tx, id, request);
      return find([id]);
    };
    return storeOnce(tx, { place: PLACE, identity }, { find, store });
  });
  if (!batch) throw new AppError('INTERNAL', 'a batch that was stored is not there');
  return batch;
}

async function mintOne(
  db: Queryable,
  batchId: string,
  { agent_id: agentId, ...request }: CreateBatchBody['requests'][number],
): Promise<void> {
  const thread = { agentId, conversationId: agentId };
  const asked = toRun({ thread, body: unwatched(request), runType: 'send_message_batch' });
  const checked = await checkAnswers(db, asked);
  if ('earlier' in checked) return; // What it answers was answered: that run is none of this batch.
  const isAnswer = checked.request.approvals !== null;
  const run = {
    ...asked,
    request: checked.request,
    ignoresPending: isAnswer,
    metadata: { ...asked.metadata, batch_id: batchId },
    batchId,
  };
  checkMinted(run, await mintRun(db, run));
  // A turn of no steps does nothing.
  if (run.maxSteps === 0)
    await endRun(db, { runId: run.id, conversationId: agentId, stopReason: 'end_turn' });
}
