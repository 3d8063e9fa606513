import { AppError } from '../domain/errors';
import type { MultitaskStrategy, SteeredInput } from '../domain/inbox';
import type { RunEvent } from '../domain/run-event';
import type { OpenedStep } from '../domain/turn-state';
import type { InputMessage } from '../domain/turn-request';
import { inTransaction, type Pool, type Queryable } from './pool';
import { appendEvents, appendEventsOfAttempt } from './run-events';
import { lockStep } from './store-result';

// Messages that meet a turn in progress. They wait as runs that are `created`; nothing else is a queue.

/** What an opened step has to look for: most turns were sent to an idle conversation, and nothing comes in between. */
export interface Inbox {
  /** Null where nobody waits to hear when the message is read. */
  readonly strategy: MultitaskStrategy | null;
  readonly hasSteered: boolean;
}

/** Columns of an opened `run`, at step $2, that make its `Inbox`. Without steered messages they cost one index probe. */
export const INBOX_COLUMNS = `run.multitask_strategy,
  exists (select from runs waiting where waiting.conversation_id = run.conversation_id
             and waiting.status in ('created', 'running') and waiting.multitask_strategy = 'steer' and waiting.id <> run.id
             and (waiting.joined_run_id is null or waiting.joined_run_id = run.id and waiting.joined_at_step = $2)) as has_steered`;

/**
 * Takes in what was steered at this turn, and tells the watchers of each message that it is read now. A later attempt of
 * the step finds what an earlier one took in. `takesNew` false where the reply is under way already.
 */
export async function readInbox(
  pool: Pool,
  step: OpenedStep,
  { strategy, hasSteered, takesNew }: Inbox & { readonly takesNew: boolean },
): Promise<readonly SteeredInput[]> {
  if (strategy !== null && step.step === 0) await tellRead(pool, step, strategy);
  return hasSteered ? takeSteered(pool, step, takesNew) : [];
}

const receiptOf = (
  messages: readonly InputMessage[],
  read: { readonly strategy: MultitaskStrategy; readonly seenAtStep: number; readonly joinedRunId?: string },
): RunEvent => ({ type: 'receipt', messages: messages.map(({ id, otid }) => ({ id, otid })), ...read });

async function tellRead(db: Queryable, step: OpenedStep, strategy: MultitaskStrategy): Promise<void> {
  const { rowCount } = await db.query(
    `select from run_events where run_id = $1 and event ->> 'type' = 'receipt' and not event ? 'joinedRunId'`,
    [step.runId],
  );
  if (rowCount === 1) return;
  await appendEventsOfAttempt(db, step, [receiptOf(step.request.messages, { strategy, seenAtStep: 0 })]);
}

interface SteeredRow {
  readonly id: string;
  readonly messages: readonly InputMessage[];
}

function takeSteered(pool: Pool, step: OpenedStep, takesNew: boolean): Promise<readonly SteeredInput[]> {
  return inTransaction(pool, async (db) => {
    // The step is locked before it is looked at: whoever ends the run in between has taken the step from this attempt.
    await lockStep(db, step.stepId);
    const { rowCount } = await db.query(
      `select from runs r join steps s on s.run_id = r.id
        where s.id = $1 and s.attempt = $2 and s.status = 'pending' and r.status = 'running' for no key update of r`,
      [step.stepId, step.attempt],
    );
    if (rowCount === 0) {
      throw new AppError('SUPERSEDED', `attempt ${step.attempt} of ${step.stepId} is not the current one`);
    }
    if (takesNew) await joinWaiting(db, step);
    const { rows } = await db.query<SteeredRow>(
      `select id, request -> 'messages' as messages from runs
        where joined_run_id = $1 and joined_at_step = $2 and status = 'running' order by queue_seq`,
      [step.runId, step.step],
    );
    return rows.map(({ id, messages }) => ({ runId: id, messages }));
  });
}

/** A run that a cancellation holds at this moment is left to it. */
async function joinWaiting(db: Queryable, { runId, step, conversationId }: OpenedStep): Promise<void> {
  const { rows } = await db.query<SteeredRow>(
    `update runs set status = 'running', started_at = now(), joined_run_id = host.id, joined_at_step = $2,
            joined_after = host.event_seq
       from (select id, event_seq from runs where id = $1) host
      where runs.id in (select w.id from runs w where w.conversation_id = $3 and w.status = 'created'
                           and w.multitask_strategy = 'steer' and w.cancel_requested_at is null and w.id <> $1
                           and jsonb_typeof(w.request -> 'approvals') is distinct from 'array'
                           for update skip locked)
     returning runs.id, runs.request -> 'messages' as messages`,
    [runId, step, conversationId],
  );
  for (const { id, messages } of rows) {
    const read = { strategy: 'steer', seenAtStep: step, joinedRunId: runId } as const;
    await appendEvents(db, id, [receiptOf(messages, read)]);
  }
}

/**
 * Puts messages back whose step ended before the reply to them was stored: each becomes a turn of its own. What their
 * watchers saw of that step is void.
 */
export async function releaseSteered(
  db: Queryable,
  runId: string,
  step: { readonly id: string; readonly index: number },
): Promise<void> {
  const { rows } = await db.query<{ id: string; seq: number; shown: number }>(
    `select j.id, j.event_seq as seq, host.event_seq - j.joined_after as shown
       from runs j join runs host on host.id = j.joined_run_id
      where host.id = $1 and j.joined_at_step = $2 and j.status = 'running' order by j.queue_seq for update of j`,
    [runId, step.index],
  );
  for (const { id, seq, shown } of rows) {
    await db.query(
      `update runs set status = 'created', started_at = null, joined_run_id = null, joined_at_step = null,
              joined_after = null, event_seq = event_seq + $2 where id = $1`,
      [id, shown],
    );
    if (shown > 0) await appendEvents(db, id, [{ type: 'rewind', fromSeq: seq + 1, stepId: step.id }]);
  }
}
