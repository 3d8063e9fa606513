import type { ArchivalRecall } from '../../domain/ports';
import type { PassageSearch } from '../../domain/search';
import { agentNotFound } from '../agents';
import { fromDatabaseError } from '../database-error';
import type { Pool } from '../pool';

/** The archive of an agent for its search tool. */
export const createArchivalRecall = (pool: Pool, passages: PassageSearch): ArchivalRecall => ({
  async search(agentId, query) {
    try {
      const { rows } = await pool.query<{ timezone: string; archive_id: string | null }>(
        `select a.timezone, aa.archive_id from agents a left join agent_archives aa on aa.agent_id = a.id where a.id = $1`,
        [agentId],
      );
      const agent = rows[0];
      if (!agent) throw agentNotFound(agentId);
      const archiveIds = agent.archive_id === null ? [] : [agent.archive_id];
      return {
        ...(await passages.search({ ...query, mode: 'hybrid', archiveIds })),
        timezone: agent.timezone,
      };
    } catch (error) {
      throw fromDatabaseError(error) ?? error;
    }
  },
});
