import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Logger } from '../../log';

const ACCEPTABLE_ID = /^[\w.:-]{1,128}$/;

/** The id of a request: the client's own `x-request-id`, or a fresh one. It is in the answer and in every log line. */
export const requestIdOf = (res: Response): string => String(res.locals['requestId']);

/** Gives the request its id and writes one line at debug when the answer has ended. Bodies and headers stay out. */
export function requestLog(log: Logger): RequestHandler {
  return (req, res, next) => {
    const given = req.get('x-request-id');
    const requestId = given !== undefined && ACCEPTABLE_ID.test(given) ? given : randomUUID();
    res.locals['requestId'] = requestId;
    res.setHeader('x-request-id', requestId);
    if (log.isLevelEnabled('debug')) {
      const { method, path } = req;
      const startedAt = performance.now();
      res.once('close', () => {
        const ms = Math.round(performance.now() - startedAt);
        log.debug(
          { requestId, method, path, status: res.statusCode, ms, aborted: !res.writableFinished },
          'request',
        );
      });
    }
    next();
  };
}
