import type { CompactionStore, OpenedCompaction } from '../domain/compaction-store';
import { AppError } from '../domain/errors';
import { openCompaction } from './open-compaction';
import { outlastRestart } from './outlast-restart';
import type { Pool, Queryable } from './pool';
import { saveCompaction } from './save-compaction';

/** Compactions on Postgres. */
export function createCompactionStore(pool: Pool): CompactionStore {
  return {
    open: (key) => openCompaction(pool, key),
    countTry: (compaction) => updateOwn(pool, compaction, 'tries = tries + 1'),
    noteTry: (compaction, { usage, error }) =>
      updateOwn(
        pool,
        compaction,
        'prompt_tokens = prompt_tokens + $4, completion_tokens = completion_tokens + $5, last_error = $6',
        [usage?.promptTokens ?? 0, usage?.completionTokens ?? 0, error ?? null],
      ),
    save: (compaction, saved) => outlastRestart(() => saveCompaction(pool, compaction, saved)),
    async saveError({ stepId, attempt }, error) {
      await pool.query(`update steps set error = $3 where id = $1 and attempt = $2 and status = 'pending'`, [
        stepId,
        attempt,
        JSON.stringify(error),
      ]);
    },
    reported: (conversationId) => reportedTokens(pool, conversationId),
  };
}

/** Changes the row of a compaction that this attempt still owns. */
async function updateOwn(
  db: Queryable,
  { key, stepId, attempt }: OpenedCompaction,
  set: string,
  values: readonly unknown[] = [],
): Promise<void> {
  const { rowCount } = await db.query(
    `update compactions set ${set}
      where key = $1 and outcome is null and exists (select from steps where id = $2 and attempt = $3)`,
    [key, stepId, attempt, ...values],
  );
  if (rowCount === 1) return;
  throw new AppError('SUPERSEDED', `attempt ${attempt} of ${stepId} is not the current one`);
}

/**
 * A reply from before the last compaction has counted another context. Summaries that were copied from elsewhere, with a
 * fork or a file, came before any reply that was counted here.
 */
async function reportedTokens(
  db: Queryable,
  conversationId: string,
): Promise<{ readonly messageId: string; readonly tokens: number } | null> {
  const { rows } = await db.query<{ messageId: string; tokens: number }>(
    `select m.id as "messageId", s.total_tokens as tokens
       from messages m join steps s on s.id = m.step_id and s.message_id = m.id
      where m.conversation_id = $1 and m.in_context and m.role in ('assistant', 'approval_request')
        and s.total_tokens is not null
        and m.seq > (select coalesce(max(summary.seq), 0) from compactions c join messages summary on summary.id = c.summary_id
                      where c.conversation_id = $1 and summary.in_context)
      order by m.seq desc limit 1`,
    [conversationId],
  );
  return rows[0] ?? null;
}

/** What a compaction that a client asked for came to; null where it changed nothing. */
export async function findCompaction(
  db: Queryable,
  runId: string,
): Promise<{
  readonly summary: string;
  readonly messagesBefore: number;
  readonly messagesAfter: number;
} | null> {
  const { rows } = await db.query<{ summary: string; messagesBefore: number; messagesAfter: number }>(
    `select m.parts -> 0 ->> 'text' as summary, c.messages_before as "messagesBefore", c.messages_after as "messagesAfter"
       from compactions c join messages m on m.id = c.summary_id where c.run_id = $1 order by c.started_at desc limit 1`,
    [runId],
  );
  return rows[0] ?? null;
}
