import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { McpCall } from '../../domain/mcp';
import { McpCallAnswer, mcpOutcome } from '../../domain/mcp-result';
import type { ToolOutcome } from '../../domain/tool';
import { McpFailure, mayHaveActed, toMcpFailure } from './failures';
import type { McpSession } from './session';
import type { SessionPool } from './session-pool';

/** The name under which the key of a call reaches its server. */
export const IDEMPOTENCY_META = 'everturn/idempotency-key';

export interface CallLimits {
  readonly callMs: number;
  /** How long a server that can't be reached is waited for. */
  readonly reconnectMs: number;
  /** How long after its last word a server is taken to be there. */
  readonly freshMs: number;
}
export interface CallDeps {
  readonly acquire: (signal: AbortSignal) => Promise<McpSession>;
  readonly pool: Pick<SessionPool, 'drop'>;
  readonly limits: CallLimits;
}

const PING_MS = 5_000;
const MAX_SENT = 3;
// Within what the activity around the call may take, see workflows/proxies.ts.
const MAX_REPEATABLE_MS = 110_000;
const MAX_ONCE_MS = 9.5 * 60_000;
const Pong = z.looseObject({});

/**
 * Calls a tool, on another session where the first one turns out to be dead. A call that surely did not reach its server
 * is made again as long as a restart may take; one that may have acted only if its effects allow it, with the same key.
 */
export async function callTool(call: McpCall, signal: AbortSignal, deps: CallDeps): Promise<ToolOutcome> {
  const { callMs, reconnectMs } = deps.limits;
  const since = Date.now();
  for (let sent = 0, waits = 0; ;) {
    try {
      const session = await deps.acquire(signal);
      const leftMs = (call.effects === 'once' ? MAX_ONCE_MS : MAX_REPEATABLE_MS) - (Date.now() - since);
      const timeoutMs = Math.max(1, Math.min(call.timeoutMs ?? callMs, leftMs));
      return await send(session, call, signal, { ...deps, timeoutMs });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const failure = toMcpFailure(error);
      const spentMs = Date.now() - since;
      if (mayHaveActed(failure)) {
        sent += 1;
        const mayRepeat = failure.kind === 'lost' && call.effects !== 'once';
        if (!mayRepeat || sent >= MAX_SENT || spentMs > callMs) throw failure;
      } else if (!isPassing(failure) || spentMs > reconnectMs) throw failure;
      await sleep(Math.min(100 * 2 ** waits++, 2_000), undefined, { signal });
    }
  }
}

/** What a server that is being restarted answers, or doesn't. */
const isPassing = ({ kind }: McpFailure): boolean => kind === 'not-sent' || kind === 'session-gone';

async function send(
  session: McpSession,
  { name, args, effects, idempotencyKey }: McpCall,
  signal: AbortSignal,
  { pool, limits, timeoutMs }: CallDeps & { readonly timeoutMs: number },
): Promise<ToolOutcome> {
  if (effects === 'once' && session.isStale(limits.freshMs)) await ensureAlive(session, pool, signal);
  const params = { name, arguments: args, _meta: { [IDEMPOTENCY_META]: idempotencyKey } };
  try {
    return mcpOutcome(await session.request('tools/call', params, McpCallAnswer, { timeoutMs, signal }));
  } catch (error) {
    const failure = toMcpFailure(error);
    if (isPassing(failure)) pool.drop(session);
    if (failure.kind === 'timeout') void dropIfDead(session, pool);
    throw signal.aborted ? error : failure;
  }
}

/** A call that may act once is not sent into a connection that nobody has heard of for a while: its loss would tell nothing. */
async function ensureAlive(session: McpSession, pool: CallDeps['pool'], signal: AbortSignal): Promise<void> {
  if (await answersPing(session, signal)) return;
  pool.drop(session);
  throw new McpFailure('session-gone', 'it does not answer any more');
}

/** A server that still answers was only slow; one that does not would hold up every later call. */
async function dropIfDead(session: McpSession, pool: CallDeps['pool']): Promise<void> {
  if (await answersPing(session)) return;
  pool.drop(session);
  await session.close();
}

/** Whether the server says anything; that it does not know the question is an answer. */
const answersPing = (session: McpSession, signal?: AbortSignal): Promise<boolean> =>
  session.request('ping', {}, Pong, { timeoutMs: PING_MS, signal }).then(
    () => true,
    (error: unknown) => {
      signal?.throwIfAborted();
      return toMcpFailure(error).kind === 'answered';
    },
  );
