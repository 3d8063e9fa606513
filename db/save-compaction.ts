import type { CompactDone } from '../domain/compaction';
import type { CompactionToSave, OpenedCompaction } from '../domain/compaction-store';
import { AppError } from '../domain/errors';
import type { StopReason } from '../domain/run';
import { derivedId } from '../new-id';
import { endRun } from './end-run';
import { toJsonb } from './json';
import { inTransaction, type Pool, type Queryable } from './pool';
import { appendEvents } from './run-events';
import { rebuildSystemMessage } from './system-messages';

/**
 * Changes the context, compiles the system message anew and closes the compaction, all in one transaction. The turn that
 * only waited for it ends in it as well. Repeating it returns what is stored.
 */
export function saveCompaction(
  pool: Pool,
  compaction: OpenedCompaction,
  { change }: CompactionToSave,
): Promise<CompactDone> {
  return inTransaction(pool, async (db) => {
    const { stored, held } = await lockStep(db, compaction);
    if (stored) return stored;
    const { runId, stepId, agentId, conversationId, trigger } = compaction;
    if (change) {
      // Whoever changes an agent locks it before its threads; so does this.
      await db.query('select from agents where id = $1 for no key update', [agentId]);
      const summaryId = await replaceMessages(db, compaction, change);
      await rebuildSystemMessage(db, { agentId, conversationId, compiledAt: new Date() });
      if (compaction.isTold)
        await appendEvents(db, runId, [{ type: 'message', messageId: summaryId, fragment: 0 }]);
    }
    const stopReason = trigger === 'manual' ? 'end_turn' : held;
    const end = stopReason && (await endRun(db, { runId, conversationId, stopReason }));
    const done: CompactDone = { ...(end && { end }), ...(!change && { isStuck: true }) };
    if (end) {
      await db.query(
        `update steps set outcome = $2, status = 'success', completed_at = coalesce(completed_at, now()), error = null where id = $1`,
        [stepId, JSON.stringify({ end })],
      );
    }
    await db.query(`update compactions set outcome = $2, finished_at = now() where key = $1`, [
      compaction.key,
      JSON.stringify(done),
    ]);
    return done;
  });
}

/** The step is locked before the run, as everywhere. What an attempt stored itself is returned; another's is not its own. */
async function lockStep(
  db: Queryable,
  { key, stepId, attempt, runId }: OpenedCompaction,
): Promise<{ readonly stored: CompactDone | null; readonly held: StopReason | null }> {
  const { rows } = await db.query<{
    outcome: CompactDone | null;
    held: StopReason | null;
    is_running: boolean;
  }>(
    `select c.outcome, s.outcome ->> 'held' as held,
            exists (select from runs where id = $4 and status = 'running') as is_running
       from steps s join compactions c on c.key = $3
      where s.id = $1 and s.attempt = $2 for no key update of s`,
    [stepId, attempt, key, runId],
  );
  const row = rows[0];
  if (row?.outcome) return { stored: row.outcome, held: null };
  if (row?.is_running) return { stored: null, held: row.held };
  throw new AppError('SUPERSEDED', `attempt ${attempt} of ${stepId} is not the current one`);
}

/** The summary takes the place of the last message it stands for; in the transcript it comes last. */
async function replaceMessages(
  db: Queryable,
  compaction: OpenedCompaction,
  { summary, droppedIds, stats }: NonNullable<CompactionToSave['change']>,
): Promise<string> {
  const { key, runId, stepId, agentId, conversationId, isTold } = compaction;
  const summaryId = derivedId('message', key, 'summary');
  const parts = [
    { type: 'text', text: summary },
    { type: 'compaction', ...stats, isTold },
  ];
  await db.query(
    `insert into messages (id, conversation_id, agent_id, run_id, step_id, role, parts, context_seq)
     select $1, $2, $3, $4, $5, 'summary', $6, max(coalesce(context_seq, seq)) from messages where id = any ($7)`,
    [summaryId, conversationId, agentId, runId, stepId, toJsonb(parts), droppedIds],
  );
  await db.query(
    `update messages set in_context = null, compacted_by = $2 where id = any ($1) and in_context`,
    [droppedIds, summaryId],
  );
  await db.query(
    `update compactions set summary_id = $2, messages_before = $3, messages_after = $4, tokens_before = $5,
            tokens_after = $6, context_window = $7 where key = $1`,
    [
      key,
      summaryId,
      stats.messagesBefore,
      stats.messagesAfter,
      stats.tokensBefore,
      stats.tokensAfter,
      stats.contextWindow,
    ],
  );
  return summaryId;
}
