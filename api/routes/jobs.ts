import { type Request, Router } from 'express';
import { deleteRun, getRun, listRuns } from '../../db/runs';
import { requestCancel } from '../../db/mint-run';
import { AppError } from '../../domain/errors';
import { isId } from '../../domain/ids';
import type { ApiDeps } from '../deps';
import { ActiveJobsQuery, ListJobsQuery, toWireJob } from '../wire/job';
import { parseQuery } from '../wire/validation';

const ACTIVE = ['created', 'running'];

/** Runs, for clients that ask for jobs. No other work of this server is a job: none has a source. */
export function jobRoutes({ db, turns }: Pick<ApiDeps, 'db' | 'turns'>): Router {
  const router = Router();

  router.get('/jobs', async (req, res) => {
    const query = parseQuery(ListJobsQuery, req.query);
    const order = query.ascending === false ? 'desc' : query.order;
    const filter = { statuses: query.active ? ACTIVE : undefined };
    const runs = query.source_id === undefined ? await listRuns(db, filter, { ...query, order }) : [];
    res.json(runs.map(toWireJob));
  });

  router.get('/jobs/active', async (req, res) => {
    const query = parseQuery(ActiveJobsQuery, req.query);
    const order = query.ascending === false ? 'desc' : query.order;
    const filter = { statuses: ACTIVE };
    const runs = query.source_id === undefined ? await listRuns(db, filter, { ...query, order }) : [];
    res.json(runs.map(toWireJob));
  });

  router.get('/jobs/:jobId', async (req, res) => {
    res.json(toWireJob(await getRun(db, runIdOf(req))));
  });

  /** False for a run that is over, as in the original. */
  router.patch('/jobs/:jobId/cancel', async (req, res) => {
    const { id, agentId } = await getRun(db, runIdOf(req));
    const stopped = await requestCancel(db, agentId, [id]);
    await Promise.all(stopped.map((run) => turns.cancel(run)));
    res.json(stopped.length > 0 && toWireJob(await getRun(db, id)));
  });

  router.delete('/jobs/:jobId', async (req, res) => {
    const run = await getRun(db, runIdOf(req));
    await deleteRun(db, run.id);
    res.json(toWireJob(run));
  });

  return router;
}

/** The run behind a job, which may be named as either. */
function runIdOf(req: Request): string {
  const { jobId = '' } = req.params as { jobId?: string };
  const runId = jobId.replace(/^job-/, 'run-');
  if (isId('run', runId)) return runId;
  throw new AppError('VALIDATION', `'${jobId}' is no id of a job.`, { facts: { plain: true } });
}
