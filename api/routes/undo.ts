import { Router } from 'express';
import { getUndoPlan, requestUndo } from '../../db/undo';
import type { ApiDeps } from '../deps';
import { toWireUndo } from '../wire/undo';
import { runIdOf } from './runs';

/** Takes back what a run did, by the tools that its tools name for that. */
export function undoRoutes({ db, turns }: Pick<ApiDeps, 'db' | 'turns'>): Router {
  const router = Router();

  router.get('/runs/:runId/undo', async (req, res) => {
    res.json(toWireUndo(await getUndoPlan(db, runIdOf(req))));
  });

  /** Answered when it is stored, not when all is undone: the GET says how far it is. */
  router.post('/runs/:runId/undo', async (req, res) => {
    const plan = await requestUndo(db, runIdOf(req));
    if (plan.askedAt !== null) await turns.startUndo(plan.runId);
    res.json(toWireUndo(plan));
  });

  return router;
}
