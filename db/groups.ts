import { AppError } from '../domain/errors';
import type { Group } from '../domain/group';
import { type Page, selectPage } from './keyset';
import type { Queryable } from './pool';

const SELECT = `select groups.id, groups.manager_agent_id as "managerAgentId", groups.sleeper_agent_id as "sleeperAgentId",
  groups.frequency, groups.turns_counter as "turnsCounter", groups.last_processed_message_id as "lastProcessedMessageId",
  groups.review_seconds as "reviewSeconds"
  from groups`;

/** Stores the group of an agent and its sleeper. */
export async function insertGroup(
  db: Queryable,
  group: Pick<Group, 'id' | 'managerAgentId' | 'sleeperAgentId' | 'frequency'>,
): Promise<void> {
  await db.query(
    `insert into groups (id, manager_agent_id, sleeper_agent_id, frequency) values ($1, $2, $3, $4)`,
    [group.id, group.managerAgentId, group.sleeperAgentId, group.frequency],
  );
}

/** The groups that these agents manage, by agent. */
export async function groupsOf(
  db: Queryable,
  agentIds: readonly string[],
): Promise<ReadonlyMap<string, Group>> {
  const { rows } = await db.query<Group>(`${SELECT} where groups.manager_agent_id = any($1)`, [agentIds]);
  return new Map(rows.map((group) => [group.managerAgentId, group]));
}

/** The group with this id; NOT_FOUND without one. */
export async function getGroup(db: Queryable, id: string): Promise<Group> {
  const { rows } = await db.query<Group>(`${SELECT} where groups.id = $1`, [id]);
  if (rows[0]) return rows[0];
  throw new AppError('NOT_FOUND', `Group not found with id='${id}'`);
}

/** One page of all groups, or of those that an agent is a member of. */
export const listGroups = (db: Queryable, page: Page, memberId?: string): Promise<readonly Group[]> =>
  selectPage<Group>(db, {
    table: 'groups',
    select: SELECT,
    where: memberId === undefined ? [] : ['groups.sleeper_agent_id = $1'],
    values: memberId === undefined ? [] : [memberId],
    sortBy: (t) => `${t}.created_at`,
    page,
  });

/** How many groups there are. */
export async function countGroups(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>('select count(*)::int as count from groups');
  return rows[0]?.count ?? 0;
}

/** Says how many turns lie between two wakings of the sleeper. */
export async function setFrequency(db: Queryable, id: string, frequency: number): Promise<void> {
  await db.query(`update groups set frequency = $2 where id = $1`, [id, frequency]);
}

/**
 * Says whether what the sleeper writes waits for a human, and for how many seconds at most it keeps the sleeper from its next
 * look; null: it writes by itself. Holds for the memory tools that the sleeper has.
 */
export async function setReview(db: Queryable, id: string, reviewSeconds: number | null): Promise<void> {
  await db.query(
    `with changed as (update groups set review_seconds = $2 where id = $1 returning sleeper_agent_id)
     update agent_tools at set requires_approval = case when $2::integer is not null then true end, approval_expiry = null
       from tools t, changed where t.id = at.tool_id and t.effects = 'transactional' and at.agent_id = changed.sleeper_agent_id`,
    [id, reviewSeconds],
  );
}
