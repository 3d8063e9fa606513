import { Router } from 'express';
import type { ApiDeps } from '../deps';
import { generate } from '../generate';
import { checkPathIds } from '../middleware/path-ids';
import { GenerateBody, toWireCompletion } from '../wire/generate';
import { parseBody } from '../wire/validation';

/** A model's answer without an agent around it: no memory, no tools, nothing stored. */
export function generateRoutes(deps: ApiDeps): Router {
  const router = Router();
  checkPathIds(router, { agentId: 'agent' });

  router.post('/agents/:agentId/generate', async (req, res) => {
    const body = parseBody(GenerateBody, req.body);
    const left = new AbortController();
    res.on('close', () => {
      left.abort();
    });
    res.json(toWireCompletion(await generate(deps, req.params.agentId, body, left.signal)));
  });

  return router;
}
