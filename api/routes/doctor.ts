import { Router } from 'express';
import type { ApiDeps } from '../deps';
import { examineAgent, repairAgent } from '../doctor';
import { checkPathIds } from '../middleware/path-ids';
import { toWireExamination } from '../wire/doctor';

/** What is wrong with an agent, and its repair. Reading changes nothing; repairing twice is repairing once. */
export function doctorRoutes(deps: Pick<ApiDeps, 'db' | 'turns' | 'log'>): Router {
  const router = Router();
  checkPathIds(router, { agentId: 'agent' });

  router.get('/agents/:agentId/doctor', async (req, res) => {
    res.json(toWireExamination(await examineAgent(deps, req.params.agentId), new Date()));
  });

  router.post('/agents/:agentId/doctor', async (req, res) => {
    res.json(toWireExamination(await repairAgent(deps, req.params.agentId), new Date()));
  });

  return router;
}
