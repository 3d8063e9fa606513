import { Router } from 'express';
import { getRun } from '../../db/runs';
import type { ApiDeps } from '../deps';
import { resumeStream } from '../resume-stream';
import { lastEventId } from '../run-stream';
import { RunStreamBody } from '../wire/turn-request';
import { runIdOf } from './runs';
import { parseBody } from '../wire/validation';

/** Picking a run's stream up again, from any frame on, for as long as the run is kept. */
export function runStreamRoutes(deps: ApiDeps): Router {
  const router = Router();

  router.post('/runs/:runId/stream', async (req, res) => {
    const { starting_after: startingAfter, include_pings: includePings } = parseBody(
      RunStreamBody,
      req.body ?? {},
    );
    const run = await getRun(deps.db, runIdOf(req));
    const seen = lastEventId(req);
    await resumeStream(deps, res, run, {
      startingAfter: seen ?? startingAfter,
      includePings: includePings ?? true,
      withIds: seen !== null,
    });
  });

  return router;
}
