import { contextWindowOf, isFull } from '../domain/context-size';
import { AppError } from '../domain/errors';
import type { ModelClient, ModelEvent, ModelInfo, ModelReply } from '../domain/model';
import { createDeltaView, readReply, type ReadReply } from '../domain/read-reply';
import { planStep, type StepPlan, toModelRequest } from '../domain/plan-step';
import { prefixShare, toMarks } from '../domain/prompt-print';
import type { RunEvent } from '../domain/run-event';
import { toModelError } from '../domain/run-error';
import { forWorkflow, type ModelKey, type StepOutcome } from '../domain/turn';
import type { OpenedStep, ReplyToSave } from '../domain/turn-state';
import { derivedId } from '../new-id';
import { withAbort } from './abort';
import { checkContext, finalOverflow } from './context-check';
import { createDeltaWriter } from './delta-writer';
import type { ActivityDeps } from './deps';

type Deps = Pick<ActivityDeps, 'turns' | 'models' | 'cancellations' | 'compactions' | 'countTokens'>;

/**
 * Asks the model for one step: loads the context by ids, streams what comes, stores reply and input in one
 * transaction. A reply that was stored is never asked for again; a response that goes on at the provider is listened to
 * again. Only a crash before either pays twice. A context that is too long for the model is not asked about: the outcome
 * says that it has to get smaller first, unless the key says that it can't.
 */
export function createCallModel(deps: Deps) {
  return async function callModel(key: ModelKey): Promise<StepOutcome> {
    const claimed = await deps.turns.openStep(key);
    if ('stored' in claimed) return forWorkflow(claimed.stored);
    const step = claimed.opened;
    const asked = { step, isFinal: key.asIs === true };
    const outcome = await withAbort(deps.cancellations, key.runId, (abort) =>
      askOnce(deps, asked, abort),
    ).catch(async (error: unknown) => {
      const failure = toModelError(error);
      if (failure) await deps.turns.saveStepError(step, failure);
      throw error;
    });
    return forWorkflow(outcome);
  };
}

interface Asked {
  readonly step: OpenedStep;
  /** The model's word on the size of the context is the last. */
  readonly isFinal: boolean;
}
interface Planned {
  readonly step: OpenedStep;
  readonly plan: StepPlan;
  readonly window: number;
  readonly info: ModelInfo;
  readonly client: ModelClient;
}

/** Listens again to a response that an earlier attempt began; asks anew only if that one is gone. */
async function askOnce(deps: Deps, asked: Asked, abort: AbortController): Promise<StepOutcome> {
  const { step, isFinal } = asked;
  if (!step.begun) return askIfItFits(deps, asked, abort);
  try {
    return await askIfItFits(deps, asked, abort);
  } catch (error) {
    if (!(error instanceof AppError) || error.facts['isLost'] !== true) throw error;
    await deps.turns.loseResponse(step);
    const { begun: _, ...anew } = step;
    return askIfItFits(deps, { step: anew, isFinal }, abort);
  }
}

async function askIfItFits(
  deps: Deps,
  { step, isFinal }: Asked,
  abort: AbortController,
): Promise<StepOutcome> {
  const model = await deps.models.client(step.model);
  const plan = planStep(step, {
    now: new Date(),
    noteId: derivedId('message', step.stepId, 'note'),
    skillsNoteId: derivedId('message', step.stepId, 'skills-note'),
    folderNoteId: derivedId('message', step.stepId, 'folder-note'),
  });
  const window = contextWindowOf(step.contextLimit, model.info);
  const trigger = isFinal || step.begun ? null : await checkContext(deps, { step, plan, window });
  if (trigger) return { compact: trigger };
  return ask(deps, { step, plan, window, ...model }, abort).catch(async (error: unknown) => {
    if (!(error instanceof AppError) || error.code !== 'MODEL_CONTEXT_OVERFLOW') throw error;
    if (!isFinal) return { compact: 'context_window_exceeded' } as const;
    throw await finalOverflow(deps, { step, plan, window }, error);
  });
}

async function ask(
  deps: Deps,
  { step, plan, window, info, client }: Planned,
  abort: AbortController,
): Promise<StepOutcome> {
  const messageId = derivedId('message', step.stepId, step.begun?.attempt ?? step.attempt);
  const deltas = createDeltaWriter(
    (events, batch) => deps.turns.appendDeltas(step, events, batch),
    (error) => abort.abort(error),
  );
  const showDelta = createDeltaView({ messageId, stepId: step.stepId, plan });
  let seen = step.begun?.shown ?? 0;
  let firstTokenAt: Date | null = null;
  function onEvent(event: ModelEvent): void {
    firstTokenAt ??= new Date();
    if (!step.streamTokens) return;
    const shown = showDelta(event);
    if (!shown) return;
    // A response is listened to from its start; watchers get what they have not seen.
    if (seen > 0) seen -= 1;
    else deltas.push(shown);
  }
  const resumable = {
    begunId: step.begun?.id,
    onBegin: (responseId: string) => deps.turns.beginResponse(step, responseId),
  };

  const startedAt = process.hrtime.bigint();
  const limit = setTimeout(() => abort.abort(tookTooLong(info)), REPLY_LIMIT_MS);
  try {
    const request = toModelRequest(step, plan, info);
    const reply = await client.complete(request, { signal: abort.signal, onEvent, resumable });
    const llmNs = Number(process.hrtime.bigint() - startedAt);
    const read = readReply({
      plan,
      reply,
      messageId,
      noteId: derivedId('message', step.stepId, 'exit-note'),
    });
    const events = step.streamTokens ? await deltas.rest() : read.events;
    return await deps.turns.saveReply(
      step,
      toSave({ step, plan, info, reply, read, events, llmNs, firstTokenAt, messageId, window }),
    );
  } catch (error) {
    throw abort.signal.aborted ? abort.signal.reason : error;
  } finally {
    clearTimeout(limit);
    await deltas.rest();
  }
}

// Less than Temporal's timeout of the activity, whose attempts are not counted as the model's.
const REPLY_LIMIT_MS = 9.5 * 60_000;

const tookTooLong = ({ handle }: ModelInfo): AppError =>
  new AppError('MODEL_TIMEOUT', `${handle} did not end its reply within ${REPLY_LIMIT_MS / 60_000} minutes.`);

function toSave(parts: {
  readonly step: OpenedStep;
  readonly plan: StepPlan;
  readonly info: ModelInfo;
  readonly reply: ModelReply;
  readonly read: ReadReply;
  readonly events: readonly RunEvent[];
  readonly llmNs: number;
  readonly firstTokenAt: Date | null;
  readonly messageId: string;
  readonly window: number;
}): ReplyToSave {
  const { step, plan, info, reply, read, events, llmNs, firstTokenAt, messageId, window } = parts;
  return {
    messages: [...plan.newMessages, ...read.messages],
    replyMessageId: messageId,
    events,
    reply,
    model: info,
    promptMarks: reply.prompt ? toMarks(reply.prompt) : null,
    promptPrefixShare: reply.prompt ? prefixShare(step.promptBefore, reply.prompt) : null,
    llmNs,
    firstTokenAt,
    memorySeen: plan.memorySeen,
    stopReason: read.stopReason,
    calls: read.calls,
    isFull: isFull(reply.usage.totalTokens, window),
  };
}
