import { Router } from 'express';
import { requireAgent } from '../../db/agents';
import { countGroups, getGroup, listGroups, setFrequency, setReview } from '../../db/groups';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { ListGroupsQuery, toWireGroup, UpdateGroupBody } from '../wire/group';
import { parseBody, parseQuery } from '../wire/validation';

const isKnown = (managerType: string | undefined): boolean =>
  managerType === undefined || managerType === 'sleeptime';

/** Agents and the sleepers that keep their memory. Groups come and go with their agents. */
export function groupRoutes({ db }: Pick<ApiDeps, 'db'>): Router {
  const router = Router();
  checkPathIds(router, { agentId: 'agent', groupId: 'group' });

  router.get('/groups', async (req, res) => {
    const { manager_type: type, ...page } = parseQuery(ListGroupsQuery, req.query);
    res.json(isKnown(type) ? (await listGroups(db, page)).map(toWireGroup) : []);
  });

  router.get('/groups/count', async (_req, res) => {
    res.json(await countGroups(db));
  });

  /** Those that the agent is a member of; the one that it manages is in its state. */
  router.get('/agents/:agentId/groups', async (req, res) => {
    const { manager_type: type, ...page } = parseQuery(ListGroupsQuery, req.query);
    const memberId = req.params.agentId;
    await requireAgent(db, memberId);
    res.json(isKnown(type) ? (await listGroups(db, page, memberId)).map(toWireGroup) : []);
  });

  router.get('/groups/:groupId', async (req, res) => {
    res.json(toWireGroup(await getGroup(db, req.params.groupId)));
  });

  router.patch('/groups/:groupId', async (req, res) => {
    const { manager_config: config } = parseBody(UpdateGroupBody, req.body);
    const { id } = await getGroup(db, req.params.groupId);
    if (config?.sleeptime_agent_frequency) await setFrequency(db, id, config.sleeptime_agent_frequency);
    const reviewSeconds = config?.sleeptime_agent_review_seconds;
    if (typeof reviewSeconds === 'number') await setReview(db, id, reviewSeconds || null);
    res.json(toWireGroup(await getGroup(db, id)));
  });

  return router;
}
