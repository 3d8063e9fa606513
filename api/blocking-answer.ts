import type { Response } from 'express';
import type { RunResult } from '../db/runs';
import { AppError } from '../domain/errors';
import type { RunError } from '../domain/run-event';
import { toAppError, toRunError } from '../domain/run-error';
import { usageOf } from '../domain/usage';
import type { ApiDeps } from './deps';
import { KEEPALIVE, patientAnswer } from './keepalive';
import { awaitRunResult } from './run-result';
import type { SentTurn } from './sent-turn';
import type { MessageOptions } from './wire/message';
import { toWireErrorMessage, toWireResponse } from './wire/run';
import { toWireStopReason, toWireUsage } from './wire/usage';

/**
 * Answers with what the run comes to, however long that takes. A run that fails at once keeps its status; one that fails
 * after the answer has begun says so in the body: the usual form, its stop reason, and an `error` beside it. A client
 * that goes away does not stop the run.
 */
export const answerWhenOver = (
  deps: ApiDeps,
  res: Response,
  turn: SentTurn,
  options: MessageOptions,
): Promise<void> =>
  answerRun(deps, { res, turn }, (result, isBegun) => toBody(result, { ...options, isBegun }));

/** The same with a body of the caller's own, which throws for a run that has none while the answer has not begun. */
export async function answerRun(
  deps: ApiDeps,
  { res, turn }: { readonly res: Response; readonly turn: SentTurn },
  bodyOf: (result: RunResult, isBegun: boolean) => unknown,
): Promise<void> {
  const waiting = new AbortController();
  const ended = awaitRunResult(deps, { runId: turn.id, isFresh: turn.isFresh, gone: waiting.signal });
  ended.catch(() => undefined); // it is awaited below, unless the start fails first
  await turn.start().catch((error: unknown) => {
    waiting.abort();
    throw error;
  });
  const { first, resent } = deps.keepalive ?? KEEPALIVE;
  const answer = patientAnswer(res, turn.isFresh ? first : resent);
  answer.gone.addEventListener('abort', () => waiting.abort());
  try {
    const result = await ended;
    if (result) answer.end(await bodyOf(result, answer.isBegun));
  } catch (error) {
    answer.release();
    if (!answer.isBegun) throw error;
    deps.log.error({ runId: turn.id, err: error }, 'an answer that had begun failed');
    answer.end(brokenBody(turn.id, error));
  }
}

function toBody(
  { run, ...rest }: RunResult,
  options: MessageOptions & { readonly isBegun: boolean },
): unknown {
  const error = run.status === 'failed' ? run.error : null;
  if (error && !options.isBegun) throw toAppError(error);
  const body = toWireResponse({ run, ...rest }, options);
  return error ? { ...body, error: toWireErrorMessage(run.id, error) } : body;
}

/** What is said when the server itself fails behind a status that is out. The run goes on, and can be read. */
function brokenBody(runId: string, error: unknown): unknown {
  const known: RunError = toRunError('ANSWER_INTERRUPTED');
  const detail =
    error instanceof AppError && error.code !== 'INTERNAL'
      ? error.message
      : `The answer was interrupted; read the run: GET /v1/runs/${runId}`;
  return {
    messages: [],
    stop_reason: toWireStopReason('error'),
    usage: toWireUsage(usageOf([])),
    logprobs: null,
    turns: null,
    error: toWireErrorMessage(runId, { ...known, message: 'The answer was interrupted.', detail }),
  };
}
