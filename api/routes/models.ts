import { Router } from 'express';
import type { ApiDeps } from '../deps';
import { ListModelsQuery, matchesModelQuery, toWireEmbeddingModel, toWireModel } from '../wire/model';
import { parseQuery } from '../wire/validation';

/** What the configured providers offer. */
export function modelRoutes({ models }: ApiDeps): Router {
  const router = Router();

  router.get('/models', async (req, res) => {
    const query = parseQuery(ListModelsQuery, req.query);
    const offered = await models.list();
    res.json(offered.filter((model) => matchesModelQuery(model, query)).map(toWireModel));
  });

  router.get('/models/embedding', async (_req, res) => {
    res.json((await models.listEmbeddings()).map(toWireEmbeddingModel));
  });

  return router;
}
