import { createHash, timingSafeEqual } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import { AppError } from '../../domain/errors';

const OPEN_PATHS = /^\/(v1|latest)\/(health|ready|tools\/mcp\/oauth\/callback)\/?$/;

/** Asks for the password as `Authorization: Bearer P` or `X-BARE-PASSWORD: password P`. Health needs none, nor do browsers
 * that come back from an authorization server. */
export function requirePassword(password: string): RequestHandler {
  const expected = digest(password);
  return (req, _res, next) => {
    const isKnown = offered(req).some((text) => timingSafeEqual(digest(text), expected));
    next(isKnown || OPEN_PATHS.test(req.path) ? undefined : new AppError('UNAUTHORIZED', 'Unauthorized'));
  };
}

// Digests have one length, which timingSafeEqual needs, and hide the length of the password.
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function offered(req: Request): string[] {
  const bearer = /^Bearer (.+)$/i.exec(req.get('authorization') ?? '')?.[1];
  const bare = /^password (.+)$/.exec(req.get('x-bare-password') ?? '')?.[1];
  return [bearer, bare].filter((text) => text !== undefined);
}
