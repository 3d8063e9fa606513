import { type Request, Router } from 'express';
import type { z } from 'zod';
import { findBatches } from '../../db/batches';
import type { Pool } from '../../db/pool';
import { deleteRun, getRun, listRuns } from '../../db/runs';
import { AppError } from '../../domain/errors';
import { isId } from '../../domain/ids';
import { cancelRuns } from '../cancel-runs';
import type { ApiDeps } from '../deps';
import { toWireBatch } from '../wire/batch';
import { ActiveJobsQuery, ListJobsQuery, toWireJob } from '../wire/job';
import { parseQuery } from '../wire/validation';

const ACTIVE = ['created', 'running'];

/** Runs, for clients that ask for jobs. Batches, which have routes of their own, are found by their ids; no job has a source. */
export function jobRoutes(deps: Pick<ApiDeps, 'db' | 'turns'>): Router {
  const { db } = deps;
  const router = Router();

  router.get('/jobs', async (req, res) => {
    const { active, ...query } = parseQuery(ListJobsQuery, req.query);
    res.json(await listJobs(db, query, active === true));
  });

  router.get('/jobs/active', async (req, res) => {
    res.json(await listJobs(db, parseQuery(ActiveJobsQuery, req.query), true));
  });

  router.get('/jobs/:jobId', async (req, res) => {
    const [batch] = await findBatches(db, [req.params.jobId]);
    res.json(batch ? toWireBatch(batch) : toWireJob(await getRun(db, runIdOf(req))));
  });

  /** False for a run that is over, as in the original. */
  router.patch('/jobs/:jobId/cancel', async (req, res) => {
    const { id, agentId } = await getRun(db, runIdOf(req));
    const stopped = await cancelRuns(deps, agentId, [id]);
    res.json(stopped.length > 0 && toWireJob(await getRun(db, id)));
  });

  router.delete('/jobs/:jobId', async (req, res) => {
    const run = await getRun(db, runIdOf(req));
    await deleteRun(db, run.id);
    res.json(toWireJob(run));
  });

  return router;
}

async function listJobs(db: Pool, query: z.output<typeof ActiveJobsQuery>, isActive: boolean) {
  if (query.source_id !== undefined) return [];
  const order = query.ascending === false ? 'desc' : query.order;
  const runs = await listRuns(db, { statuses: isActive ? ACTIVE : undefined }, { ...query, order });
  return runs.map(toWireJob);
}

/** The run behind a job, which may be named as either. */
function runIdOf(req: Request): string {
  const { jobId = '' } = req.params as { jobId?: string };
  const runId = jobId.replace(/^job-/, 'run-');
  if (isId('run', runId)) return runId;
  throw new AppError('VALIDATION', `'${jobId}' is no id of a job.`, { facts: { plain: true } });
}
