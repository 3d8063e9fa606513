import { Router } from 'express';
import { getGroup, listGroups, setFrequency, setReview } from '../../db/groups';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { ListGroupsQuery, toWireGroup, UpdateGroupBody } from '../wire/group';
import { parseBody, parseQuery } from '../wire/validation';

/** Agents and the sleepers that keep their memory. Groups come and go with their agents. */
export function groupRoutes({ db }: Pick<ApiDeps, 'db'>): Router {
  const router = Router();
  checkPathIds(router, { groupId: 'group' });

  router.get('/groups', async (req, res) => {
    const query = parseQuery(ListGroupsQuery, req.query);
    const isOther = query.manager_type !== undefined && query.manager_type !== 'sleeptime';
    res.json(isOther ? [] : (await listGroups(db, query)).map(toWireGroup));
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
