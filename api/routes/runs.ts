import { type Request, Router } from 'express';
import { z } from 'zod';
import { listMessages } from '../../db/messages';
import { deleteRun, getRun, getRunMetrics, getRunWithUsage, listRuns, requireRun } from '../../db/runs';
import { listSteps } from '../../db/steps';
import { AppError } from '../../domain/errors';
import { isId } from '../../domain/ids';
import { STOP_REASONS } from '../../domain/run';
import type { ApiDeps } from '../deps';
import { toWireMessages } from '../wire/message';
import { pageFields } from '../wire/page';
import { queryChoice, queryFlag, queryList, queryText } from '../wire/query';
import { includedTypes, toWireRun, toWireRunMetrics } from '../wire/run';
import { toWireStep } from '../wire/step';
import { toWireRunUsage } from '../wire/usage';
import { parseQuery } from '../wire/validation';

const ACTIVE = ['created', 'running'];
const MAX_RUNS = 1000;

const RunListQuery = z.object({
  ...pageFields({ limit: 100, order: 'desc', maxLimit: MAX_RUNS }),
  agent_id: queryText(),
  agent_ids: queryList(),
  statuses: queryList(),
  background: queryFlag(),
  stop_reason: queryChoice(STOP_REASONS),
  conversation_id: queryText(),
  active: queryFlag(),
  ascending: queryFlag(),
});
const ActiveRunsQuery = z.object({ agent_id: queryText(), background: queryFlag() });
const RunMessagesQuery = z.object(pageFields({ limit: 100, order: 'asc' }));
const RunStepsQuery = z.object(pageFields({ limit: 100, order: 'desc' }));

/** Runs and what belongs to them. Everything here reads, but for the deletion of a run that is over. */
export function runRoutes({ db }: Pick<ApiDeps, 'db'>): Router {
  const router = Router();

  router.get('/runs', async (req, res) => {
    const query = parseQuery(RunListQuery, req.query);
    const agentIds = query.agent_id === undefined ? query.agent_ids : [query.agent_id];
    const filter = {
      agentIds,
      statuses: query.active ? ACTIVE : query.statuses,
      background: query.background,
      stopReason: query.stop_reason,
      conversationId: query.conversation_id,
    };
    const order = query.ascending ? 'asc' : query.order;
    const runs = await listRuns(db, filter, { ...query, order });
    res.json(runs.map(toWireRun));
  });

  router.get('/runs/active', async (req, res) => {
    const { agent_id, background } = parseQuery(ActiveRunsQuery, req.query);
    const filter = {
      agentIds: agent_id === undefined ? undefined : [agent_id],
      statuses: ACTIVE,
      background,
    };
    const page = { before: undefined, after: undefined, limit: MAX_RUNS, order: 'desc' } as const;
    const runs = await listRuns(db, filter, page);
    res.json(runs.map(toWireRun));
  });

  router.get('/runs/:runId', async (req, res) => {
    res.json(toWireRun(await getRun(db, runIdOf(req))));
  });

  router.delete('/runs/:runId', async (req, res) => {
    await deleteRun(db, runIdOf(req));
    res.json(null);
  });

  addPartsOfRun(router, db);
  return router;
}

/** What a run consists of: messages, steps, and what it cost. */
function addPartsOfRun(router: Router, db: ApiDeps['db']): void {
  router.get('/runs/:runId/messages', async (req, res) => {
    const runId = runIdOf(req);
    const page = parseQuery(RunMessagesQuery, req.query);
    const includeTypes = includedTypes(await getRun(db, runId));
    const messages = await listMessages(db, { runId }, page);
    res.json(messages.flatMap((message) => toWireMessages(message, { includeTypes })));
  });

  router.get('/runs/:runId/steps', async (req, res) => {
    const runId = runIdOf(req);
    const page = parseQuery(RunStepsQuery, req.query);
    await requireRun(db, runId);
    const steps = await listSteps(db, { runId }, page);
    res.json(steps.map(toWireStep));
  });

  router.get('/runs/:runId/usage', async (req, res) => {
    const { usage } = await getRunWithUsage(db, runIdOf(req));
    res.json(toWireRunUsage(usage));
  });

  router.get('/runs/:runId/metrics', async (req, res) => {
    const run = await getRun(db, runIdOf(req));
    res.json(toWireRunMetrics(run, await getRunMetrics(db, run.id)));
  });

  router.get('/runs/:runId/trace', async (req) => {
    await requireRun(db, runIdOf(req));
    throw new AppError(
      'NOT_IMPLEMENTED',
      'Traces of runs are not recorded; find the run in the Temporal UI instead.',
    );
  });
}

/** The run id of the path, or Letta's 400: unlike other ids it is not checked against the schema. */
export function runIdOf(req: Request<{ runId: string }>): string {
  const { runId } = req.params;
  if (isId('run', runId)) return runId;
  throw new AppError(
    'INVALID_ARGUMENT',
    `INVALID_ARGUMENT: Invalid run ID format: ${runId}. Expected format: 'run-<uuid4>'`,
  );
}
