import { Router } from 'express';
import { cancelRuns } from '../cancel-runs';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { isLegacyClient } from '../middleware/sdk-version';
import { previewRequest } from '../preview-request';
import { sendAsync, sendMessage } from '../send-turn';
import { toWireRun } from '../wire/run';
import { CancelBody, SendMessageAsyncBody, SendMessageBody } from '../wire/turn-request';
import { parseBody, unprocessable } from '../wire/validation';

/** Sending messages to an agent. Blocking, streamed and async requests start the same workflow. */
export function messageRoutes(deps: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { agentId: 'agent' });

  router.post('/agents/:agentId/messages', async (req, res) => {
    const body = parseBody(SendMessageBody, req.body);
    if (body.streaming && isLegacyClient(req)) {
      throw unprocessable('streaming=true is only supported for SDK v1.0+ clients.');
    }
    const runType = body.streaming ? 'send_message_streaming' : 'send_message';
    const thread = ownThread(req.params.agentId);
    await sendMessage(deps, { req, res }, { thread, kind: 'messages', runType, whenBusy: 'enqueue', body });
  });

  router.post('/agents/:agentId/messages/preview-raw-payload', async (req, res) => {
    const body = parseBody(SendMessageBody, req.body);
    res.json(await previewRequest(deps, ownThread(req.params.agentId), body));
  });

  /** As in Letta: forks share messages, and what a model has read is history. */
  router.patch('/agents/:agentId/messages/:messageId', (_req, res) => {
    const detail =
      'Messages are never changed: forks of a conversation share them. Fork the conversation and send another message.';
    res.status(405).json({ detail });
  });

  /** Deprecated by Letta in favour of `streaming: true`; older clients still use it. */
  router.post('/agents/:agentId/messages/stream', async (req, res) => {
    const body = { ...parseBody(SendMessageBody, req.body), streaming: true };
    const thread = ownThread(req.params.agentId);
    const runType = 'send_message_streaming';
    const sending = { thread, kind: 'stream', runType, whenBusy: 'enqueue', body } as const;
    await sendMessage(deps, { req, res }, sending);
  });

  router.post('/agents/:agentId/messages/async', async (req, res) => {
    const body = parseBody(SendMessageAsyncBody, req.body);
    const thread = ownThread(req.params.agentId);
    const runType = 'send_message_async';
    const run = await sendAsync(deps, req, { thread, kind: 'async', runType, whenBusy: 'enqueue', body });
    res.json(toWireRun(run));
  });

  router.post('/agents/:agentId/messages/cancel', async (req, res) => {
    const { run_ids: runIds } = parseBody(CancelBody, req.body ?? {});
    const stopped = await cancelRuns(deps, req.params.agentId, runIds ?? null);
    const isStopped = (runId: string) => stopped.some((run) => run.runId === runId);
    const ids = runIds ?? stopped.map(({ runId }) => runId);
    res.json(Object.fromEntries(ids.map((id) => [id, isStopped(id) ? 'cancelled' : 'failed'])));
  });

  return router;
}

const ownThread = (agentId: string) => ({ agentId, conversationId: agentId });
