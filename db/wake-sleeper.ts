import type { Message } from '../domain/message';
import { sleeperMessage } from '../domain/sleeptime';
import type { TurnInput } from '../domain/turn';
import { derivedId } from '../new-id';
import { storable } from './json';
import type { Queryable } from './pool';

/**
 * Counts a turn of the managing agent that has ended, in the transaction that ends it, and every so often stores a run of
 * its sleeper with what was said since the last time. A turn ends once, so it is counted once. Null if nobody is woken.
 */
export async function wakeSleeper(
  db: Queryable,
  { groupId, runId }: { readonly groupId: string; readonly runId: string },
): Promise<TurnInput | null> {
  const { rows } = await db.query<{ manager: string; sleeper: string; since: number; is_due: boolean }>(
    `update groups g set turns_counter = turns_counter + 1 from agents a
      where g.id = $1 and a.id = g.manager_agent_id and a.enable_sleeptime
     returning g.manager_agent_id as manager, g.sleeper_agent_id as sleeper, g.processed_seq as since,
               g.turns_counter % g.frequency = 0 as is_due`,
    [groupId],
  );
  const group = rows[0];
  if (!group?.is_due) return null;
  const { rows: said } = await db.query<Pick<Message, 'role' | 'parts'> & { id: string; seq: number }>(
    `select id, seq, role, parts from messages
      where agent_id = $1 and seq > $2 and role in ('user', 'assistant', 'tool') order by seq`,
    [group.manager, group.since],
  );
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
  });
  await db.query(`update groups set processed_seq = $2, last_processed_message_id = $3 where id = $1`, [
    groupId,
    last.seq,
    last.id,
  ]);
  await db.query(`update runs set metadata = metadata || $2 where id = $1`, [
    runId,
    JSON.stringify({ sleeptime_run_ids: [sleeperRunId] }),
  ]);
  return { runId: sleeperRunId, agentId: group.sleeper, conversationId: group.sleeper };
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
  },
): Promise<void> {
  const id = derivedId('message', run.sleeperRunId, 'input');
  const parts = [{ type: 'text', text: storable(run.text) }];
  const message = { id, role: 'user', parts, name: null, otid: null, senderId: null };
  await db.query(
    `insert into runs (id, agent_id, conversation_id, background, max_steps, request, metadata)
     values ($1, $2, $2, true, 50, $3, $4)`,
    [
      run.sleeperRunId,
      run.sleeper,
      JSON.stringify({ messages: [message], approvals: null, overrideModel: null, overrideSystem: null }),
      JSON.stringify({
        run_type: 'sleeptime',
        caller_run_id: run.runId,
        transcript_from: run.transcript.from,
        transcript_to: run.transcript.to,
      }),
    ],
  );
}
