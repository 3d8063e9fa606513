import type { Request, Response } from 'express';
import { findCompaction } from '../db/compactions';
import { threadIsBusy } from '../db/idle-thread';
import { unmintRun, type RunToMint } from '../db/mint-run';
import { mintOnce } from '../db/request-keys';
import type { RunResult } from '../db/runs';
import type { JsonObject } from '../domain/agent';
import { agentNotFound } from '../db/agents';
import { AppError } from '../domain/errors';
import { toAppError } from '../domain/run-error';
import { newId } from '../new-id';
import { answerRun } from './blocking-answer';
import type { ApiDeps } from './deps';
import { requestIdentity } from './request-identity';
import type { SentTurn } from './sent-turn';
import type { Thread } from './threads';
import { toWireErrorMessage } from './wire/run';

/**
 * Makes a thread's context smaller on a client's word. It is a run without a message: the conversation's workflow does it,
 * so it waits for no turn and no turn begins meanwhile. A request that is sent again joins its run.
 */
export async function compactThread(
  deps: ApiDeps,
  { req, res }: { readonly req: Request; readonly res: Response },
  { thread, settings }: { readonly thread: Thread; readonly settings: JsonObject },
): Promise<void> {
  const turn = await mint(deps, req, { thread, settings });
  await answerRun(deps, { res, turn }, (result, isBegun) => toBody(deps, result, isBegun));
}

async function mint(
  { db, turns }: ApiDeps,
  req: Request,
  { thread, settings }: { readonly thread: Thread; readonly settings: JsonObject },
): Promise<SentTurn> {
  const run: RunToMint = {
    id: newId('run'),
    ...thread,
    background: false,
    streamTokens: false,
    maxSteps: 1,
    request: {
      messages: [],
      approvals: null,
      overrideModel: null,
      overrideSystem: null,
      compact: { settings },
    },
    requestConfig: {},
    metadata: { run_type: 'compact' },
    callbackUrl: null,
    ignoresPending: true,
    strategy: null,
    identity: requestIdentity(req, { kind: 'compact', place: thread.conversationId }),
  };
  const outcome = await mintOnce(db, run, 'reject');
  if ('busyWith' in outcome) throw threadIsBusy(outcome.busyWith, 'compact the conversation');
  if ('earlier' in outcome) return { ...outcome.earlier, isFresh: false, start: () => Promise.resolve() };
  const { minted } = outcome;
  if (!minted.hasAgent) throw agentNotFound(thread.agentId);
  return {
    id: run.id,
    background: false,
    createdAt: minted.createdAt,
    isFresh: true,
    async start() {
      const { isBusy, endedMsAgo } = minted;
      await turns
        .start({ runId: run.id, ...thread, isCompaction: true }, { isBusy, endedMsAgo })
        .catch(async (error: unknown) => {
          await unmintRun(db, run.id);
          throw error;
        });
    },
  };
}

async function toBody({ db }: ApiDeps, { run }: RunResult, isBegun: boolean): Promise<unknown> {
  const done = run.status === 'completed' ? await findCompaction(db, run.id) : null;
  if (done) {
    const { summary, messagesBefore, messagesAfter } = done;
    return { summary, num_messages_before: messagesBefore, num_messages_after: messagesAfter };
  }
  const error = run.error ? toAppError(run.error) : notCompacted(run.status);
  if (!isBegun) throw error;
  return { detail: error.message, ...(run.error && { error: toWireErrorMessage(run.id, run.error) }) };
}

const notCompacted = (status: string): AppError =>
  status === 'cancelled'
    ? new AppError('CONFLICT', 'CONFLICT: The compaction was cancelled; the conversation is as it was.')
    : new AppError(
        'INVALID_ARGUMENT',
        'INVALID_ARGUMENT: There is nothing to compact: the context holds no message that a summary could stand for.',
      );
