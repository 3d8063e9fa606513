import type { InputMessage } from '../domain/turn-request';
import { endEarly, lockSteps } from './close-run';
import type { StoppedRun } from './mint-run';
import type { Queryable } from './pool';
import { RUN_CANCELLED_CHANNEL } from './run-events';
import { insertMessages } from './save-reply';
import { undoCompactions } from './undo-compactions';
import { keepCalls, markForUndo } from './undo';

/** How a turn makes room for a message: with its work kept, or as if it had not been sent. */
export type Stopping = 'interrupt' | 'rollback';

/**
 * Ends the turn that is in progress, or about to begin, in the caller's transaction; messages that wait stay. Its worker
 * is told and can store nothing any more. A rollback also asks for what its tools did to be undone, where they name a tool
 * for that; anything else they did stays done either way. Null when nothing is in progress.
 */
export async function stopTurn(
  db: Queryable,
  conversationId: string,
  { how, byRunId }: { readonly how: Stopping; readonly byRunId: string },
): Promise<StoppedRun | null> {
  const run = await lockCurrent(db, conversationId, byRunId);
  if (!run) return null;
  await db.query(
    `update runs set cancel_requested_at = now(), metadata = metadata || $2 where id = $1 returning pg_notify($3, id)`,
    [
      run.id,
      JSON.stringify({ [how === 'rollback' ? 'rolled_back_by' : 'interrupted_by']: byRunId }),
      RUN_CANCELLED_CHANNEL,
    ],
  );
  await endEarly(db, { runId: run.id, conversationId, stopReason: 'cancelled' });
  const stopped = { runId: run.id, conversationId };
  if (how === 'interrupt') {
    await keepInput(db, { ...run, conversationId });
    return stopped;
  }
  await keepCalls(db, run.id);
  await dropTurn(db, stopped);
  return { ...stopped, isUndone: await markForUndo(db, run.id) };
}

interface CurrentRun {
  readonly id: string;
  readonly agent_id: string;
  readonly messages: readonly InputMessage[];
}

/** The run in progress, else the oldest that waits. */
async function lockCurrent(
  db: Queryable,
  conversationId: string,
  byRunId: string,
): Promise<CurrentRun | null> {
  for (;;) {
    const { rows } = await db.query<CurrentRun>(
      `select id, agent_id, request -> 'messages' as messages from runs
        where conversation_id = $1 and status in ('created', 'running') and joined_run_id is null and id <> $2
        order by status desc, queue_seq limit 1`,
      [conversationId, byRunId],
    );
    const run = rows[0];
    if (!run) return null;
    await lockSteps(db, run.id);
    const { rowCount } = await db.query(
      `select from runs where id = $1 and status in ('created', 'running') for no key update`,
      [run.id],
    );
    if (rowCount === 1) return run; // Otherwise it ended by itself meanwhile.
  }
}

/** The message that was interrupted stays in the thread, whether or not the model came to answer it. */
async function keepInput(
  db: Queryable,
  { id, agent_id: agentId, conversationId, messages }: CurrentRun & { readonly conversationId: string },
): Promise<void> {
  const thread = { conversationId, agentId, runId: id, stepId: null };
  await insertMessages(
    db,
    thread,
    messages.map((message) => ({ ...message, inContext: true })),
  );
}

/**
 * Takes everything out of the thread that the steps of the run put there. Results of calls that another run asked for
 * stay: without them its calls would hang. The model is shown its memory anew, for the turn may have changed it.
 */
async function dropTurn(
  db: Queryable,
  { runId, conversationId }: { readonly runId: string; readonly conversationId: string },
): Promise<void> {
  await undoCompactions(db, runId);
  const { rowCount } = await db.query(
    `delete from messages where step_id in (select id from steps where run_id = $1)`,
    [runId],
  );
  if (rowCount === 0) return;
  await db.query(`update conversations set memory_seen = '{}' where id = $1`, [conversationId]);
}
