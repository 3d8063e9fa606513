import { setTimeout as sleep } from 'node:timers/promises';
import { isSelf, isSliding, modesOf, SUMMARY_TRIES, type CompactionMode } from '../domain/compaction';
import type { CompactionPlan } from '../domain/compaction-plan';
import type { CompactionToSave, OpenedCompaction } from '../domain/compaction-store';
import { AppError, isRetryable, llmErrorType, type ErrorCode } from '../domain/errors';
import type { ModelReply } from '../domain/model';
import { textOf } from '../domain/prompt';
import type { ActivityDeps } from './deps';
import { planKeeping, toChange, type MeasuredContext } from './context-measure';
import { summaryRequest } from './summary-request';

type Deps = Pick<ActivityDeps, 'compactions' | 'models' | 'countTokens'>;
interface Work {
  readonly compaction: OpenedCompaction;
  readonly measured: MeasuredContext;
  readonly signal: AbortSignal;
}

const MAX_PAUSE_MS = 10_000;

/**
 * Asks a model for a summary, at most three times in the life of the compaction. After a summary that is of no use the next
 * try falls back towards the mode `all`; a summarizer that was shown too much is shown half as much; one that can't be used
 * gives way to the agent's own model. Null when there is nothing to summarize, or no try has made the context smaller. What a
 * client asked for fails instead.
 */
export async function summarize(deps: Deps, work: Work): Promise<CompactionToSave['change']> {
  const { compaction } = work;
  const modes = modesOf(compaction.settings.mode);
  let failure = new AppError('MODEL_UNAVAILABLE', 'No summary could be written before the server stopped.');
  let state = { fallbacks: 0, halvings: 0, isOwn: false };
  for (let n = compaction.tries; n < SUMMARY_TRIES; n++) {
    const mode = modes[state.fallbacks] ?? 'all';
    const plan = planFor(work, mode);
    if (!plan) return null;
    const model = state.isOwn ? compaction.model : modelOf(compaction, mode);
    const tried = await tryOnce(deps, work, { mode, plan, model, halvings: state.halvings });
    if ('change' in tried) return tried.change;
    failure = tried.failure;
    state = afterFailure(state, failure.code, { isOwn: model === compaction.model });
    if (isTransient(failure.code) && n + 1 < SUMMARY_TRIES) await pause(failure, { n, signal: work.signal });
  }
  if (compaction.trigger === 'manual') throw failure;
  return null;
}

interface TryState {
  readonly fallbacks: number;
  readonly halvings: number;
  readonly isOwn: boolean;
}

/** How the next try differs. A model that is only busy is asked the same again. */
function afterFailure(state: TryState, code: ErrorCode, { isOwn }: { readonly isOwn: boolean }): TryState {
  if (code === 'MODEL_CONTEXT_OVERFLOW') return { ...state, halvings: state.halvings + 1 };
  if (isTransient(code)) return state;
  if (code !== 'MODEL_INVALID_RESPONSE' && !isOwn) return { ...state, isOwn: true };
  return { ...state, fallbacks: state.fallbacks + 1 };
}

const isTransient = (code: ErrorCode): boolean => code !== 'MODEL_INVALID_RESPONSE' && isRetryable(code);

const modelOf = ({ settings, model }: OpenedCompaction, mode: CompactionMode): string =>
  isSelf(mode) ? model : (settings.model ?? model);

/** A window in which everything fits leaves nothing to summarize: then all of it is. */
function planFor({ compaction, measured }: Work, mode: CompactionMode): CompactionPlan | null {
  const sliding = isSliding(mode) ? planKeeping(compaction, measured, measured.keep) : null;
  return sliding ?? planKeeping(compaction, measured, 0);
}

interface Try {
  readonly mode: CompactionMode;
  readonly plan: CompactionPlan;
  readonly model: string;
  readonly halvings: number;
}

/** One call, counted before it is made. Failures of the model are returned, all others thrown. */
async function tryOnce(
  deps: Deps,
  { compaction, measured, signal }: Work,
  { mode, plan, model, halvings }: Try,
): Promise<{ readonly change: CompactionToSave['change'] } | { readonly failure: AppError }> {
  await deps.compactions.countTry(compaction);
  let reply: ModelReply;
  try {
    const { info, client } = await deps.models.client(model);
    // What the agent's own model could not read costs too much to read elsewhere.
    const window = Math.min(measured.window, info.contextWindow);
    const request = await summaryRequest(deps, {
      compaction,
      mode,
      dropped: plan.dropped,
      name: info.name,
      window: window / 2 ** halvings,
    });
    reply = await client.complete(request, { signal });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (!isOfModel(error)) throw error;
    await deps.compactions.noteTry(compaction, { error: error.message });
    return { failure: error };
  }
  const text = textOf(reply.parts.filter((part) => part.type === 'text')).trim();
  const change = text === '' ? null : await toChange(deps, { compaction, measured, plan, text });
  const isSmaller = change && (compaction.trigger === 'manual' || change.stats.tokensAfter < measured.total);
  const problem = isSmaller
    ? undefined
    : text === ''
      ? 'the reply holds no text'
      : 'the summary is no shorter';
  await deps.compactions.noteTry(compaction, {
    usage: reply.usage,
    ...(problem !== undefined && { error: problem }),
  });
  if (isSmaller) return { change };
  return { failure: new AppError('MODEL_INVALID_RESPONSE', `${model} wrote no usable summary: ${problem}.`) };
}

const isOfModel = (error: unknown): error is AppError =>
  error instanceof AppError && (llmErrorType(error.code) !== undefined || error.code === 'NOT_FOUND');

async function pause(
  { retryAfterMs }: AppError,
  { n, signal }: { readonly n: number; readonly signal: AbortSignal },
): Promise<void> {
  const waitMs = Math.min(retryAfterMs ?? 500 * 2 ** n, MAX_PAUSE_MS);
  await sleep(waitMs, undefined, { signal }).catch(() => {
    throw signal.reason;
  });
}
