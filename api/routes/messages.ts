import { Router } from 'express';
import { AppError } from '../../domain/errors';
import { mintRun, requestCancel, unmintRun, type RunToMint } from '../../db/mint-run';
import { getRun } from '../../db/runs';
import { PENDING_APPROVAL_TEXT } from '../../domain/run-error';
import { newId } from '../../new-id';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { isLegacyClient } from '../middleware/sdk-version';
import { checkAnswers } from '../check-answers';
import { resolveModel } from '../resolve-model';
import { awaitRunResult } from '../run-result';
import { streamRun } from '../run-stream';
import { toWireResponse, toWireRun } from '../wire/run';
import {
  CancelBody,
  checkStreamOptions,
  SendMessageAsyncBody,
  SendMessageBody,
  toRequestConfig,
  toTurnRequest,
} from '../wire/turn-request';
import { parseBody, unprocessable } from '../wire/validation';

/** Sending messages. Blocking, streamed and async requests start the same workflow and differ in how they watch it. */
export function messageRoutes(deps: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { agentId: 'agent' });

  router.post('/agents/:agentId/messages', async (req, res) => {
    const body = parseBody(SendMessageBody, req.body);
    if (body.streaming && isLegacyClient(req)) {
      throw unprocessable('streaming=true is only supported for SDK v1.0+ clients.');
    }
    checkStreamOptions(body);
    if (body.streaming) {
      const run = await mint(deps, toRun(req.params.agentId, body, 'send_message_streaming'));
      await Promise.all([start(deps, run), streamRun(deps, res, run, streamOptions(body))]);
      return;
    }
    const run = await mint(deps, toRun(req.params.agentId, body, 'send_message'));
    const ended = awaitRunResult(deps, run.id);
    await start(deps, run);
    res.json(toWireResponse(await ended, { includeTypes: body.include_return_message_types ?? null }));
  });

  /** Deprecated by Letta in favour of `streaming: true`; older clients still use it. */
  router.post('/agents/:agentId/messages/stream', async (req, res) => {
    const body = parseBody(SendMessageBody, req.body);
    const run = await mint(
      deps,
      toRun(req.params.agentId, { ...body, streaming: true }, 'send_message_streaming'),
    );
    await Promise.all([start(deps, run), streamRun(deps, res, run, streamOptions(body))]);
  });

  router.post('/agents/:agentId/messages/async', async (req, res) => {
    const { callback_url: callbackUrl, ...request } = parseBody(SendMessageAsyncBody, req.body);
    const body = { ...request, streaming: true, stream_tokens: false, include_pings: true, background: true };
    const run = {
      ...toRun(req.params.agentId, body, 'send_message_async'),
      callbackUrl: callbackUrl ?? null,
    };
    await start(deps, await mint(deps, run));
    res.json(toWireRun(await getRun(deps.db, run.id)));
  });

  router.post('/agents/:agentId/messages/cancel', async (req, res) => {
    const { run_ids: runIds } = parseBody(CancelBody, req.body ?? {});
    const stopped = await requestCancel(deps.db, req.params.agentId, runIds ?? null);
    await Promise.all(stopped.map((run) => deps.turns.cancel(run)));
    const isStopped = (runId: string) => stopped.some((run) => run.runId === runId);
    const ids = runIds ?? stopped.map(({ runId }) => runId);
    res.json(Object.fromEntries(ids.map((id) => [id, isStopped(id) ? 'cancelled' : 'failed'])));
  });

  return router;
}

interface Minted extends RunToMint {
  readonly isBusy: boolean;
  readonly endedMsAgo: number | null;
  readonly createdAt: Date;
}

function toRun(agentId: string, body: SendMessageBody, runType: string): RunToMint {
  const request = toTurnRequest(body);
  return {
    id: newId('run'),
    agentId,
    conversationId: agentId,
    background: body.background,
    streamTokens: body.streaming && body.stream_tokens,
    maxSteps: body.max_steps,
    request,
    requestConfig: toRequestConfig(body),
    metadata: { run_type: runType },
    callbackUrl: null,
    // A stream hears of a pending approval in its stream; a blocking caller at once.
    ignoresPending: body.streaming || request.approvals !== null,
  };
}

async function mint({ db, models }: ApiDeps, asked: RunToMint): Promise<Minted> {
  const run = { ...asked, request: await checkAnswers(db, asked) };
  if (run.request.overrideModel !== null) await resolveModel(models, run.request.overrideModel);
  const minted = await mintRun(db, run);
  if (!minted.hasAgent) throw new AppError('NOT_FOUND', `Agent with ID ${run.agentId} not found`);
  if (minted.pendingRequestId !== null) {
    throw new AppError('PENDING_APPROVAL', PENDING_APPROVAL_TEXT, {
      facts: { pendingRequestId: minted.pendingRequestId },
    });
  }
  const { isBusy, endedMsAgo, createdAt } = minted;
  return { ...run, isBusy, endedMsAgo, createdAt };
}

/** Starts the stored run. If that fails the run is taken back, so that a repeated request is not a second turn. */
async function start({ db, turns }: ApiDeps, run: Minted): Promise<void> {
  const { id: runId, agentId, conversationId, isBusy, endedMsAgo } = run;
  const isAnswer = run.request.approvals !== null;
  await turns
    .start({ runId, agentId, conversationId, ...(isAnswer && { isAnswer }) }, { isBusy, endedMsAgo })
    .catch(async (error: unknown) => {
      await unmintRun(db, runId);
      throw error;
    });
}

const streamOptions = (body: SendMessageBody) => ({
  startingAfter: 0,
  includePings: body.include_pings,
  includeTypes: body.include_return_message_types ?? null,
});
