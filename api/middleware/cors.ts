import type { RequestHandler } from 'express';

/** Where the Agent Development Environment runs: the hosted one and the ports of local ones. */
const ADE_ORIGINS: readonly string[] = [
  'https://app.letta.com',
  'http://localhost:3000',
  'http://localhost:4200',
  'http://localhost:8283',
];

const METHODS = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT';

/** Lets pages of `origins` call the API with credentials, and answers their preflights. Other origins get no leave. */
export function cors(origins: readonly string[] = ADE_ORIGINS): RequestHandler {
  return (req, res, next) => {
    const origin = req.get('origin');
    if (origin === undefined) {
      next();
      return;
    }
    const isAllowed = origins.includes(origin);
    res.vary('Origin');
    if (isAllowed) {
      res.setHeader('access-control-allow-origin', origin);
      res.setHeader('access-control-allow-credentials', 'true');
    }
    if (req.method !== 'OPTIONS' || req.get('access-control-request-method') === undefined) {
      next();
      return;
    }
    res.setHeader('access-control-allow-methods', METHODS);
    res.setHeader('access-control-max-age', '600');
    const headers = req.get('access-control-request-headers');
    if (headers !== undefined) res.setHeader('access-control-allow-headers', headers);
    res
      .status(isAllowed ? 200 : 400)
      .type('text')
      .send(isAllowed ? 'OK' : 'Disallowed CORS origin');
  };
}
