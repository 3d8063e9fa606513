import type { Request, Response } from 'express';
import { agentNotFound } from '../db/agents';
import { endRun } from '../db/end-run';
import { unmintRun, type MintedRun, type RunToMint } from '../db/mint-run';
import { inTransaction } from '../db/pool';
import { findEarlierRun, mintOnce, type EarlierRun } from '../db/request-keys';
import { getRun, type Run } from '../db/runs';
import { AppError } from '../domain/errors';
import type { MultitaskStrategy } from '../domain/inbox';
import { PENDING_APPROVAL_TEXT } from '../domain/run-error';
import { newId } from '../new-id';
import { answerWhenOver } from './blocking-answer';
import { checkAnswers } from './check-answers';
import type { ApiDeps } from './deps';
import { requestIdentity, type RouteKind } from './request-identity';
import { resolveModel } from './resolve-model';
import { streamRun } from './run-stream';
import type { SentTurn } from './sent-turn';
import { startUnstarted } from './start-unstarted';
import type { Thread } from './threads';
import { speakerOf } from './wire/message';
import {
  checkStreamOptions,
  toRequestConfig,
  toTurnRequest,
  type SendMessageAsyncBody,
  type SendMessageBody,
} from './wire/turn-request';

// The one way to send a message. Agent and conversation routes differ in the thread they name.

interface Sending {
  readonly thread: Thread;
  readonly kind: RouteKind;
  /** As Letta records it: `metadata.run_type`. */
  readonly runType: string;
  /** What becomes of a message that meets a turn in progress and does not say so itself. */
  readonly whenBusy: MultitaskStrategy;
}

/** Runs one turn and answers when it ends, or streams it, as the body asks. */
export async function sendMessage(
  deps: ApiDeps,
  { req, res }: { readonly req: Request; readonly res: Response },
  { body, ...sending }: Sending & { readonly body: SendMessageBody },
): Promise<void> {
  checkStreamOptions(body);
  const turn = await sendTurn(deps, req, { ...sending, body });
  const options = { includeTypes: body.include_return_message_types ?? null, speaker: speakerOf(body) };
  // As in the original, an answer in one piece takes an empty list for no wish; a stream takes it at its word.
  const { includeTypes } = options;
  if (!body.streaming)
    return answerWhenOver(deps, res, turn, {
      ...options,
      includeTypes: includeTypes?.length ? includeTypes : null,
    });
  await Promise.all([
    turn.start(),
    streamRun(deps, res, turn, { ...options, startingAfter: 0, includePings: body.include_pings }),
  ]);
}

/** Starts one turn that nobody waits for; returns its run. */
export async function sendAsync(
  deps: ApiDeps,
  req: Request,
  { body: asked, ...sending }: Sending & { readonly body: SendMessageAsyncBody },
): Promise<Run> {
  const { callback_url: callbackUrl, ...request } = asked;
  const body = unwatched(request);
  const turn = await sendTurn(deps, req, { ...sending, body, callbackUrl: callbackUrl ?? null });
  await turn.start();
  return getRun(deps.db, turn.id);
}

/** The message of a turn whose client looks at it later, if at all. */
export const unwatched = (request: Omit<SendMessageAsyncBody, 'callback_url'>): SendMessageBody => ({
  ...request,
  streaming: true,
  stream_tokens: false,
  include_pings: true,
  background: true,
});

export interface TurnToSend extends Sending {
  readonly body: SendMessageBody;
  readonly callbackUrl?: string | null;
}

/** Stores the run of a request, or finds the one that it has already. */
export async function sendTurn(deps: ApiDeps, req: Request, turn: TurnToSend): Promise<SentTurn> {
  const { db, models } = deps;
  const identity = requestIdentity(req, { kind: turn.kind, place: turn.thread.conversationId });
  const asked = { ...toRun(turn), identity };
  // A first sending may have answered what waited: whether anything waits says nothing of a second one.
  const answered = asked.request.approvals && (await findEarlierRun(db, asked.conversationId, identity));
  if (answered) return joined(deps, answered);

  const checked = await checkAnswers(db, asked);
  if ('earlier' in checked) return joined(deps, checked.earlier);
  const isAnswer = checked.request.approvals !== null;
  const run = {
    ...asked,
    request: checked.request,
    // A stream hears of a pending approval in its stream; a blocking caller at once.
    ignoresPending: asked.ignoresPending || isAnswer,
  };
  if (run.request.overrideModel !== null) await resolveModel(models, run.request.overrideModel);
  const outcome = await mintOnce(db, run, run.strategy ?? turn.whenBusy);
  if ('busyWith' in outcome) throw busy(outcome.busyWith);
  if ('earlier' in outcome) return joined(deps, outcome.earlier);
  const { minted, stopped } = outcome;
  checkMinted(run, minted);
  if (!minted.isStored) throw takenBack();
  const { id, background } = run;
  return {
    id,
    background,
    createdAt: minted.createdAt,
    isFresh: true,
    async start() {
      await start(deps, run, minted);
      if (stopped) await deps.turns.cancel(stopped);
      if (stopped?.isUndone) await deps.turns.startUndo(stopped.runId);
    },
  };
}

/** Says why a run could not be stored. */
export function checkMinted({ agentId }: RunToMint, { hasAgent, pendingRequestId }: MintedRun): void {
  if (!hasAgent) throw agentNotFound(agentId);
  if (pendingRequestId === null) return;
  throw new AppError('PENDING_APPROVAL', PENDING_APPROVAL_TEXT, { facts: { pendingRequestId } });
}

// Whoever stored the run starts it, unless that process died.
const joined = (deps: ApiDeps, run: EarlierRun): SentTurn => ({
  ...run,
  isFresh: false,
  start: () => startUnstarted(deps, run.id),
});

const busy = (runId: string): AppError =>
  new AppError(
    'CONFLICT',
    `CONFLICT: Cannot send a new message: Another request (run_id=${runId}) is currently being processed for this ` +
      'conversation. Wait until it ends, or cancel it.',
    { facts: { runId } },
  );

// The run of an earlier sending stood in the way and was taken back a moment later.
const takenBack = (): AppError =>
  new AppError('UNAVAILABLE', 'An earlier sending of this message could not be started; send it again.');

/** The run of a message, before it is stored. */
export function toRun({
  thread,
  body,
  runType,
  callbackUrl,
}: Pick<TurnToSend, 'thread' | 'body' | 'runType' | 'callbackUrl'>): RunToMint {
  const request = toTurnRequest(body);
  return {
    id: newId('run'),
    ...thread,
    background: body.background,
    streamTokens: body.streaming && body.stream_tokens,
    maxSteps: Math.max(0, body.max_steps),
    request,
    requestConfig: toRequestConfig(body),
    metadata: { run_type: runType },
    callbackUrl: callbackUrl ?? null,
    ignoresPending: body.streaming,
    strategy: body.multitask_strategy ?? null,
  };
}

// A turn of no steps does nothing, and keeps nothing of what it was sent.
async function endAtOnce(db: ApiDeps['db'], run: { runId: string; conversationId: string }): Promise<void> {
  await inTransaction(db, (tx) => endRun(tx, { ...run, stopReason: 'end_turn' }));
}

/** Starts the stored run. If that fails the run is taken back, so that a repeated request is not a second turn. */
async function start(
  { db, turns }: ApiDeps,
  { id: runId, agentId, conversationId, request, maxSteps }: RunToMint,
  { isBusy, endedMsAgo }: { readonly isBusy: boolean; readonly endedMsAgo: number | null },
): Promise<void> {
  if (maxSteps === 0) return endAtOnce(db, { runId, conversationId });
  const isAnswer = request.approvals !== null;
  await turns
    .start({ runId, agentId, conversationId, ...(isAnswer && { isAnswer }) }, { isBusy, endedMsAgo })
    .catch(async (error: unknown) => {
      await unmintRun(db, runId);
      throw error;
    });
}
