import { Router } from 'express';
import { z } from 'zod';
import { listMessages } from '../../db/messages';
import { getStep, listSteps, updateStepFeedback } from '../../db/steps';
import type { ApiDeps } from '../deps';
import { checkPathIds } from '../middleware/path-ids';
import { toWireMessages } from '../wire/message';
import { pageFields } from '../wire/page';
import { queryChoice, queryDate, queryFlag, queryList, queryText } from '../wire/query';
import { toWireStep, toWireStepMetrics } from '../wire/step';
import { parseBody, parseQuery } from '../wire/validation';

const FEEDBACK = ['positive', 'negative'] as const;

const StepListQuery = z.object({
  ...pageFields({ limit: 50, order: 'desc' }),
  agent_id: queryText(),
  model: queryText(),
  start_date: queryDate(),
  end_date: queryDate(),
  feedback: queryChoice(FEEDBACK),
  has_feedback: queryFlag(),
  tags: queryList(),
});
const StepMessagesQuery = z.object(pageFields({ limit: 100, order: 'asc' }));
const FeedbackBody = z.object({
  feedback: z.enum(FEEDBACK).nullish(),
  tags: z.array(z.string()).nullish(),
});

/** Steps, their messages and timings; the only thing clients write of a step is their feedback. */
export function stepRoutes({ db }: Pick<ApiDeps, 'db'>): Router {
  const router = Router();
  checkPathIds(router, { stepId: 'step' });

  router.get('/steps', async (req, res) => {
    const query = parseQuery(StepListQuery, req.query);
    const filter = {
      agentId: query.agent_id,
      model: query.model,
      startDate: query.start_date,
      endDate: query.end_date,
      feedback: query.feedback,
      hasFeedback: query.has_feedback,
      tags: query.tags,
    };
    const steps = await listSteps(db, filter, query);
    res.json(steps.map(toWireStep));
  });

  router.get('/steps/:stepId', async (req, res) => {
    res.json(toWireStep(await getStep(db, req.params.stepId)));
  });

  router.get('/steps/:stepId/messages', async (req, res) => {
    const page = parseQuery(StepMessagesQuery, req.query);
    const { id: stepId } = await getStep(db, req.params.stepId);
    const messages = await listMessages(db, { stepId }, page);
    res.json(messages.flatMap((message) => toWireMessages(message)));
  });

  router.get('/steps/:stepId/metrics', async (req, res) => {
    res.json(toWireStepMetrics(await getStep(db, req.params.stepId)));
  });

  router.patch('/steps/:stepId/feedback', async (req, res) => {
    const { feedback, tags } = parseBody(FeedbackBody, req.body);
    const step = await updateStepFeedback(db, req.params.stepId, {
      feedback: feedback ?? null,
      tags: tags ?? undefined,
    });
    res.json(toWireStep(step));
  });

  // Requests to providers are not kept, so there is never a trace; `null` is what Letta answers then.
  for (const path of ['/steps/:stepId/trace', '/telemetry/:stepId'] as const) {
    router.get(path, async (req, res) => {
      await getStep(db, req.params.stepId);
      res.json(null);
    });
  }

  return router;
}
