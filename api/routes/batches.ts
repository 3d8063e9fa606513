import { Router } from 'express';
import { findBatches, listOpenBatches, markBatchCancelled } from '../../db/batches';
import { listMessages } from '../../db/messages';
import type { Pool } from '../../db/pool';
import { modelsOfSteps } from '../../db/steps';
import type { Batch } from '../../domain/batch';
import { AppError } from '../../domain/errors';
import { cancelRuns } from '../cancel-runs';
import type { ApiDeps } from '../deps';
import { sendBatch } from '../send-batch';
import { BatchMessagesQuery, CreateBatchBody, ListBatchesQuery, toWireBatch } from '../wire/batch';
import { toWireStoredMessage } from '../wire/stored-message';
import { parseBody, parseQuery } from '../wire/validation';

/** Messages to many agents at once. Their turns are ordinary ones; a batch is what they have in common. */
export function batchRoutes(deps: Pick<ApiDeps, 'db' | 'models' | 'turns'>): Router {
  const { db } = deps;
  const router = Router();

  router.post('/messages/batches', async (req, res) => {
    res.json(toWireBatch(await sendBatch(deps, req, parseBody(CreateBatchBody, req.body))));
  });

  /** Those that are not over, as in the original. */
  router.get('/messages/batches', async (req, res) => {
    res.json((await listOpenBatches(db, parseQuery(ListBatchesQuery, req.query))).map(toWireBatch));
  });

  router.get('/messages/batches/:batchId', async (req, res) => {
    res.json(toWireBatch(await getBatch(db, req.params.batchId)));
  });

  /** What its turns said and did so far, without what they were sent. */
  router.get('/messages/batches/:batchId/messages', async (req, res) => {
    const { agent_id: agentId, ...page } = parseQuery(BatchMessagesQuery, req.query);
    const { id: batchId } = await getBatch(db, req.params.batchId);
    const messages = await listMessages(db, { batchId, agentId }, page);
    const models = await modelsOfSteps(db, messages.flatMap(({ stepId }) => stepId ?? [])); // prettier-ignore
    res.json({
      messages: messages.map((message) =>
        toWireStoredMessage(message, models.get(message.stepId ?? '') ?? null),
      ),
    });
  });

  /** Its runs stop as any cancelled run does. */
  router.patch('/messages/batches/:batchId/cancel', async (req, res) => {
    const { id } = await getBatch(db, req.params.batchId);
    const open = await markBatchCancelled(db, id);
    for (const [agentId, runIds] of open) await cancelRuns(deps, agentId, runIds);
    res.json(null);
  });

  return router;
}

async function getBatch(db: Pool, id: string): Promise<Batch> {
  const [batch] = await findBatches(db, [id]);
  if (batch) return batch;
  throw new AppError('NOT_FOUND', `Job not found with id='${id}'`);
}
