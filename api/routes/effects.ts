import { Router } from 'express';
import { getEffect, listEffects, resolveEffect } from '../../db/effects';
import type { ApiDeps } from '../deps';
import { ListEffectsQuery, ResolveEffectBody, toWireEffect } from '../wire/effect';
import { parseBody, parseQuery } from '../wire/validation';

/** The effect ledger for operators: what tool calls did to the world, and what is not known of them. */
export function effectRoutes({ db, turns }: Pick<ApiDeps, 'db' | 'turns'>): Router {
  const router = Router();

  router.get('/effects', async (req, res) => {
    const query = parseQuery(ListEffectsQuery, req.query);
    const filter = {
      status: query.status,
      agentId: query.agent_id,
      runId: query.run_id,
      toolName: query.tool_name,
    };
    res.json((await listEffects(db, filter, query)).map(toWireEffect));
  });

  // A key holds slashes, which clients may encode or not.
  router.get('/effects/*key', async (req, res) => {
    res.json(toWireEffect(await getEffect(db, keyOf(req.params.key))));
  });

  /** A retry is answered when it is stored, not when it has ended: watch the effect or its run. */
  router.post('/effects/*key/resolve', async (req, res) => {
    const { resolution, result } = parseBody(ResolveEffectBody, req.body);
    const key = keyOf(req.params.key);
    const { effect, retry } = await resolveEffect(db, key, { resolution, result: result ?? null });
    if (retry) await turns.startTool(retry);
    res.json(toWireEffect(effect));
  });

  return router;
}

const keyOf = (segments: string | readonly string[]): string =>
  typeof segments === 'string' ? segments : segments.join('/');
