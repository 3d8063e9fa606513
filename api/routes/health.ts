import { Router } from 'express';
import type { ApiDeps } from '../deps';

// The version of Letta whose API this server speaks; clients compare it with what they need.
const API_VERSION = '0.16.7';

/** Answers as long as the process can answer at all: it asks neither the database nor Temporal. */
export function healthRoutes(_deps: ApiDeps): Router {
  const router = Router();

  for (const path of ['/health', '/ready']) {
    router.get(path, (_req, res) => {
      res.json({ version: API_VERSION, status: 'ok' });
    });
  }

  return router;
}
