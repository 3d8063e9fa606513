import type { Router } from 'express';
import { agentOfConversation } from '../db/conversations';
import type { Queryable } from '../db/pool';
import { AppError } from '../domain/errors';
import { idPattern, isId } from '../domain/ids';
import { invalid } from './wire/validation';

/** The thread that a message goes to. An agent's own thread has the agent's id. */
export interface Thread {
  readonly agentId: string;
  readonly conversationId: string;
}

const NAMES = ['default', 'conv-123e4567-e89b-42d3-8456-426614174000'] as const;
const isThreadName = (name: string): boolean =>
  name === 'default' || isId('conv', name) || isId('agent', name);

/** Refuses, with Letta's 422, what `:threadId` may not be: it is `default`, a conversation's id or an agent's. */
export function checkThreadNames(router: Router): void {
  router.param('threadId', (_req, _res, next, value: string) => {
    if (isThreadName(value)) {
      next();
      return;
    }
    const pattern = `^(default|${[idPattern('conv'), idPattern('agent')].map((one) => one.slice(1, -1)).join('|')})$`;
    const error = {
      type: 'string_pattern_mismatch',
      loc: ['path', 'conversation_id'],
      msg: `String should match pattern '${pattern}'`,
      input: value,
      ctx: { pattern },
    };
    next(invalid([error], NAMES));
  });
}

/** The thread of a name in a path. `default` is the own thread of `agentId`, which the request names beside it. */
export async function threadOf(
  db: Queryable,
  name: string,
  agentId: string | null | undefined,
): Promise<Thread> {
  if (isId('conv', name)) return { agentId: await agentOfConversation(db, name), conversationId: name };
  const owner = name === 'default' ? agentId : name;
  if (owner) return { agentId: owner, conversationId: owner };
  throw new AppError(
    'INVALID_ARGUMENT',
    "INVALID_ARGUMENT: agent_id is required when the conversation is 'default'.",
  );
}
