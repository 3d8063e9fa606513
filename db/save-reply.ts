import { expiresAfter } from '../domain/approval';
import { AppError } from '../domain/errors';
import type { StepOutcome, TurnEnd } from '../domain/turn';
import { endRun } from './end-run';
import { storable, toJsonb } from './json';
import { inTransaction, type Pool, type Queryable } from './pool';
import { appendEvents } from './run-events';
import type { NewMessage, OpenedStep, ReplyToSave } from '../domain/turn-state';

/**
 * Stores input, reply and step in one transaction; the reply that ends the turn closes the run in it as well. The
 * step's attempt is checked by the first write, so a superseded attempt stores nothing.
 */
export function saveReply(pool: Pool, step: OpenedStep, saved: ReplyToSave): Promise<StepOutcome> {
  return inTransaction(pool, async (db) => {
    const outcome = outcomeOfReply(saved);
    const isClosed = await closeStep(db, step, { saved, kept: outcome.goesOn ?? outcome.ends });
    if (!isClosed) return outcomeOfAttempt(db, step);
    const messages = insertMessages(db, step, saved.messages);
    if (outcome.goesOn) {
      await Promise.all([messages, appendEvents(db, step.runId, saved.events)]);
      return outcome.goesOn;
    }
    const [, end] = await Promise.all([messages, endTurn(db, step, { ends: outcome.ends, saved })]);
    return { end };
  });
}

/** What a step keeps of a reply that ends its turn; `pending` are the calls that a human or the client is asked about. */
interface EndedStep {
  readonly end: TurnEnd;
  readonly pending?: ReplyToSave['calls'];
  readonly expiresAfter?: number | null;
}

type ReplyOutcome =
  | { readonly goesOn: StepOutcome; readonly ends?: never }
  | { readonly ends: EndedStep; readonly goesOn?: never };

/** How the turn goes on after this reply, or ends with it. A turn whose context is full ends after a compaction. */
function outcomeOfReply({ stopReason, calls, isFull, replyMessageId }: ReplyToSave): ReplyOutcome {
  if (stopReason === null) return { goesOn: { calls, ...(isFull && { isFull: true as const }) } };
  if (isFull && stopReason !== 'requires_approval')
    return { goesOn: { compact: 'post_step_context_check', held: stopReason } };
  const afterSeconds = stopReason === 'requires_approval' ? expiresAfter(calls) : null;
  const expiry = afterSeconds !== null && { expiry: { messageId: replyMessageId, afterSeconds } };
  const pending = calls.length > 0 && { pending: calls, expiresAfter: afterSeconds };
  return { ends: { end: { stopReason, next: null, ...expiry }, ...pending } };
}

/** Ends the run. The step was closed with the end that most turns have; one that has more to tell is kept anew. */
async function endTurn(
  db: Queryable,
  { runId, conversationId, stepId }: OpenedStep,
  { ends, saved }: { readonly ends: EndedStep; readonly saved: ReplyToSave },
): Promise<TurnEnd> {
  const { stopReason } = ends.end;
  const ended = await endRun(db, { runId, conversationId, stopReason, events: saved.events });
  const end: TurnEnd = { ...ends.end, ...ended };
  if (ended.next || ended.caller || ended.wake)
    await db.query(`update steps set outcome = $2 where id = $1`, [stepId, toJsonb({ ...ends, end })]);
  return end;
}

async function closeStep(
  db: Queryable,
  step: OpenedStep,
  { saved, kept }: { readonly saved: ReplyToSave; readonly kept: StepOutcome | EndedStep },
): Promise<boolean> {
  const { usage } = saved.reply;
  const { rowCount } = await db.query({
    name: 'close-step-and-prompt',
    // The step is locked before the run, as everywhere.
    text: `with step as materialized (select id from steps where id = $1 and attempt = $2 and status = 'pending' for no key update),
          run as (update runs set first_token_at = coalesce(first_token_at, $18)
                   where id = $3 and status = 'running' and exists (select from step) returning id, conversation_id),
          thread as (update conversations c set prompt_marks = $20, memory_seen = coalesce($21, memory_seen)
                       from run where c.id = run.conversation_id)
     update steps set status = 'success', message_id = $4, outcome = $5, model = $6, model_handle = $7,
            model_endpoint = $8, provider_name = $9, context_window_limit = $10, prompt_tokens = $11,
            completion_tokens = $12, total_tokens = $13, cached_input_tokens = $14, cache_write_tokens = $15,
            reasoning_tokens = $16, response_id = $17, llm_ns = $19, prompt_prefix_share = $22,
            provider_category = $23, completed_at = now(), error = null
       from run where steps.id = $1 and attempt = $2 and status = 'pending'`,
    values: [
      step.stepId,
      step.attempt,
      step.runId,
      saved.replyMessageId,
      toJsonb(kept),
      saved.model.name,
      saved.model.handle,
      saved.model.endpoint,
      saved.model.providerName,
      saved.model.contextWindow,
      usage.promptTokens,
      usage.completionTokens,
      usage.totalTokens,
      usage.cachedInputTokens,
      usage.cacheWriteTokens,
      usage.reasoningTokens,
      saved.reply.responseId && storable(saved.reply.responseId),
      saved.firstTokenAt,
      saved.llmNs,
      saved.promptMarks && JSON.stringify(saved.promptMarks),
      saved.memorySeen && JSON.stringify(saved.memorySeen),
      saved.promptPrefixShare,
      saved.model.providerCategory,
    ],
  });
  return rowCount === 1;
}

/** What this attempt has stored already, when the answer to its commit was lost on the way. */
async function outcomeOfAttempt(db: Queryable, step: OpenedStep): Promise<StepOutcome> {
  const { rows } = await db.query<{ outcome: StepOutcome }>(
    `select outcome from steps where id = $1 and attempt = $2 and status = 'success' and outcome is not null`,
    [step.stepId, step.attempt],
  );
  if (rows[0]) return rows[0].outcome;
  throw new AppError('SUPERSEDED', `attempt ${step.attempt} of ${step.stepId} is not the current one`);
}

/** Appends messages to a thread in the given order. A message that is stored already stays as it is. */
export async function insertMessages(
  db: Queryable,
  at: {
    readonly conversationId: string;
    readonly agentId: string;
    readonly runId: string | null;
    readonly stepId: string | null;
  },
  messages: readonly NewMessage[],
): Promise<void> {
  const rows = messages.map((message) => ({ ...message, name: message.name && storable(message.name) }));
  await db.query({
    name: 'insert-messages',
    text: `insert into messages (id, conversation_id, agent_id, run_id, step_id, role, parts, name, otid, sender_id, in_context)
     select m.id, $1, $2, coalesce(m."runId", $3), $4, m.role, m.parts, m.name, m.otid, m."senderId", m."inContext"
       from rows from (jsonb_to_recordset($5::jsonb) as (id text, role text, parts jsonb, name text, otid text,
                       "senderId" text, "inContext" boolean, "runId" text)) with ordinality as
            m (id, role, parts, name, otid, "senderId", "inContext", "runId", position)
      order by m.position on conflict (id) do nothing`,
    values: [at.conversationId, at.agentId, at.runId, at.stepId, toJsonb(rows)],
  });
}
