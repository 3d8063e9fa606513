import type { Message } from '../domain/message';
import { sleeperMessage } from '../domain/sleeptime';
import type { TurnInput } from '../domain/turn';
import type { ApprovalAnswer } from '../domain/turn-request';
import { derivedId } from '../new-id';
import { storable } from './json';
import type { Queryable } from './pool';

/**
 * Counts a turn of the managing agent that has ended, in the transaction that ends it, and every so often stores a run of
 * its sleeper with what it has not worked through. A turn ends once, so it is counted once. A sleeper whose edits are
 * reviewed gets one run at a time. Null if nobody is woken.
 */
export async function wakeSleeper(
  db: Queryable,
  { groupId, runId }: { readonly groupId: string; readonly runId: string },
): Promise<TurnInput | null> {
  const { rows } = await db.query<{
    manager: string;
    sleeper: string;
    since: number;
    review_seconds: number | null;
    is_due: boolean;
  }>(
    `update groups g set turns_counter = turns_counter + 1 from agents a
      where g.id = $1 and a.id = g.manager_agent_id and a.enable_sleeptime
     returning g.manager_agent_id as manager, g.sleeper_agent_id as sleeper, g.processed_seq as since, g.review_seconds,
               g.is_behind or g.turns_counter % g.frequency = 0 as is_due`,
    [groupId],
  );
  const group = rows[0];
  if (!group?.is_due) return null;
  const review = await lookAtReview(db, group.sleeper, group.review_seconds);
  if (!review) {
    await db.query(`update groups set is_behind = true where id = $1`, [groupId]);
    return null;
  }
  const said = await readUnprocessed(db, group);
  const [first] = said;
  const last = said.at(-1);
  if (!first || !last) return null;
  const sleeperRunId = derivedId('run', runId, 'sleeptime');
  const transcript = { from: first.id, to: last.id };
  await mintSleeperRun(db, {
    sleeperRunId,
    sleeper: group.sleeper,
    runId,
    text: sleeperMessage(said),
    transcript,
    review,
  });
  await db.query(
    `update groups set processed_seq = $2, last_processed_message_id = $3, is_behind = false where id = $1`,
    [groupId, last.seq, last.id],
  );
  await db.query(`update runs set metadata = metadata || $2 where id = $1`, [
    runId,
    JSON.stringify({ sleeptime_run_ids: [sleeperRunId] }),
  ]);
  const turn = { runId: sleeperRunId, agentId: group.sleeper, conversationId: group.sleeper };
  return review.messageId === null ? turn : { ...turn, isAnswer: true };
}

/**
 * What the sleeper has not worked through: what was said since its last look, and the transcripts of its runs that failed
 * or were cancelled. Those are marked as handed on, for the look that takes this to carry on with.
 */
async function readUnprocessed(
  db: Queryable,
  group: { readonly manager: string; readonly sleeper: string; readonly since: number },
): Promise<readonly Said[]> {
  const { rows: unread } = await db.query<{ from: string; to: string }>(
    `update runs set metadata = metadata || '{"handed_on": true}'
      where conversation_id = $1 and status in ('failed', 'cancelled') and metadata ->> 'run_type' = 'sleeptime'
        and not metadata ? 'handed_on'
     returning metadata ->> 'transcript_from' as from, metadata ->> 'transcript_to' as to`,
    [group.sleeper],
  );
  const { rows } = await db.query<Said>(
    `select id, seq, role, parts from messages
      where agent_id = $1 and role in ('user', 'assistant', 'tool')
        and (seq > $2 or exists (
              select from unnest($3::text[], $4::text[]) as unread (first, last)
                     join messages f on f.id = unread.first join messages l on l.id = unread.last
               where messages.seq between f.seq and l.seq))
      order by seq`,
    [group.manager, group.since, unread.map(({ from }) => from), unread.map(({ to }) => to)],
  );
  return rows;
}
type Said = Pick<Message, 'role' | 'parts'> & { readonly id: string; readonly seq: number };

/** A review that took too long: the message that asked for it, and the answers that discard it. */
interface LateReview {
  readonly messageId: string | null;
  readonly denials: readonly ApprovalAnswer[];
}
const NO_REVIEW: LateReview = { messageId: null, denials: [] };
const TOO_LATE = 'nobody reviewed it in time';

/**
 * Null while a sleeper whose edits are reviewed can't take a look: it is at work, or what it wants to write is under review.
 * A review that took too long, or one where the group asks for none any more, is discarded by the next run, which answers
 * it; an answer of a human that comes first counts.
 */
async function lookAtReview(
  db: Queryable,
  sleeper: string,
  reviewSeconds: number | null,
): Promise<LateReview | null> {
  if (reviewSeconds !== null) {
    const { rows: busy } = await db.query(
      `select from runs where conversation_id = $1 and status in ('created', 'running') limit 1`,
      [sleeper],
    );
    if (busy.length > 0) return null;
  }
  const { rows } = await db.query<{ message_id: string; tool_call_id: string; is_late: boolean }>(
    `select message_id, tool_call_id, requested_at <= now() - $2 * interval '1 second' as is_late
       from approvals where conversation_id = $1 and status = 'pending'`,
    [sleeper, reviewSeconds ?? 0],
  );
  const [first] = rows;
  if (!first) return NO_REVIEW;
  if (!first.is_late) return null;
  const denials = rows.map((row): ApprovalAnswer => ({
    type: 'approval',
    toolCallId: row.tool_call_id,
    approve: false,
    reason: TOO_LATE,
  }));
  return { messageId: first.message_id, denials };
}

async function mintSleeperRun(
  db: Queryable,
  run: {
    readonly sleeperRunId: string;
    readonly sleeper: string;
    readonly runId: string;
    readonly text: string;
    /** The ids of its first and its last message. */
    readonly transcript: { readonly from: string; readonly to: string };
    readonly review: LateReview;
  },
): Promise<void> {
  const id = derivedId('message', run.sleeperRunId, 'input');
  const parts = [{ type: 'text', text: storable(run.text) }];
  const { messageId, denials } = run.review;
  const approvals = messageId === null ? null : denials;
  const message = { id, role: 'user', parts, name: null, otid: null, senderId: null };
  await db.query(
    `insert into runs (id, agent_id, conversation_id, background, max_steps, request, metadata)
     values ($1, $2, $2, true, 50, $3, $4)`,
    [
      run.sleeperRunId,
      run.sleeper,
      JSON.stringify({ messages: [message], approvals, overrideModel: null, overrideSystem: null }),
      JSON.stringify({
        run_type: 'sleeptime',
        caller_run_id: run.runId,
        transcript_from: run.transcript.from,
        transcript_to: run.transcript.to,
        ...(messageId !== null && { approval_expiry: { message_id: messageId } }),
      }),
    ],
  );
}
