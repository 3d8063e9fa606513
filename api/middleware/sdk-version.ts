import type { Request } from 'express';

/**
 * Whether the client speaks Letta's API from before the 1.0 SDKs: it expects the agent back from attach and detach,
 * and all of an agent's relationships unless it asks for some.
 */
export function isLegacyClient(req: Request): boolean {
  if (req.get('x-stainless-package-version') !== undefined) return false;
  const agent = req.get('user-agent');
  if (agent === undefined || agent === '') return false;
  const major = /letta-client\/(\d+)\./.exec(agent)?.[1];
  return major === undefined || Number(major) < 1;
}
