import { AppError } from '../domain/errors';
import type { MemoryVersion } from '../domain/memory-history';
import { selectVersions, VERSION_SELECT } from './memory-history';
import type { Queryable } from './pool';

// Runs that descend from a message, each with the place in the transcript since when it does: the run that read it, those
// that went on with calls it asked a human about, those of agents it wrote to, and those of sleepers that were handed it.
const DESCENDED = `
  with recursive descended (run_id, since) as (
    select coalesce(r.joined_run_id, r.id), case when m.role = 'approval_response' then 0 else m.seq end
      from messages m join runs r on r.id = m.run_id where m.id = $1
    union
    select follower.run_id, 0
      from descended d cross join lateral (
        select answer.run_id from steps s join messages reply on reply.id = s.message_id
               join messages answer on answer.step_id = s.id and answer.role = 'approval_response'
         where s.run_id = d.run_id and reply.seq > d.since
        union all
        select c.run_id from agent_calls c join steps s on s.id = c.step_id join messages reply on reply.id = s.message_id
         where c.caller_run_id = d.run_id and c.refusal is null and reply.seq > d.since
        union all
        select woken.id from runs r join groups g on g.manager_agent_id = r.agent_id
               join runs woken on woken.agent_id = g.sleeper_agent_id and woken.metadata ->> 'run_type' = 'sleeptime'
               join messages first on first.id = woken.metadata ->> 'transcript_from'
               join messages last on last.id = woken.metadata ->> 'transcript_to'
         where r.id = d.run_id and exists (
           select from messages m where m.run_id = d.run_id and m.seq >= d.since and m.seq between first.seq and last.seq)
      ) as follower (run_id)
  )`;

/**
 * What a message, or a tool's result, taught: every write of a block or a passage that a tool call after it made in the
 * turn that read it, and in the runs that this turn brought about; oldest first. NOT_FOUND without such a message.
 */
export async function writesAfterMessage(
  db: Queryable,
  messageId: string,
): Promise<readonly MemoryVersion[]> {
  const { rowCount } = await db.query('select from messages where id = $1', [messageId]);
  if (rowCount === 0) {
    throw new AppError(
      'NOT_FOUND',
      `Message '${messageId}' was not found. List the messages to see which exist.`,
    );
  }
  return selectVersions(
    db,
    `${DESCENDED} ${VERSION_SELECT}
      where v.author ? 'runId' and v.author ->> 'kind' = 'tool' and v.author ->> 'runId' in (select run_id from descended)
        and exists (select from descended d where d.run_id = v.author ->> 'runId' and reply.seq > d.since)
      order by v.created_at, v.id, v.version`,
    [messageId],
  );
}
