import {
  type AgentMessage,
  type AgentsAsked,
  deliveredText,
  MAX_CALL_DEPTH,
  MAX_FAN_OUT,
} from '../domain/agent-calls';
import { AppError } from '../domain/errors';
import { succeededOutcome, toolError } from '../domain/tool-failure';
import type { TurnInput } from '../domain/turn';
import type { TurnRequest } from '../domain/turn-request';
import type { OpenedTool } from '../domain/turn-state';
import { derivedId } from '../new-id';
import { findTargets, refuseDeadlock, type Target } from './agent-targets';
import { mintRun } from './mint-run';
import { claimCall } from './open-call';
import { inTransaction, type Pool, type Queryable } from './pool';
import { lockStep, storeResult } from './store-result';

/** See `AgentCallStore.send`. */
export function sendToAgents(pool: Pool, tool: OpenedTool, message: AgentMessage): Promise<AgentsAsked> {
  return inTransaction(pool, async (db) => {
    // One at a time: two agents that write to each other at once must not both find the other one idle.
    await db.query(`select pg_advisory_xact_lock(hashtext('everturn.agent-calls'))`);
    const posted = await postedBefore(db, tool);
    if (posted) return { turns: posted };
    await lockCaller(db, tool);
    const caller = await findCaller(db, tool);
    const targets = await findTargets(db, tool.agentId, message.to);
    checkLimits(caller, targets);
    if (message.waits) for (const target of targets) await refuseDeadlock(db, tool, target);
    const turns: TurnInput[] = [];
    for (const [position, target] of targets.entries()) {
      const turn = await post(db, { tool, message, caller, target, position });
      if (turn) turns.push(turn);
    }
    if (message.waits) return { turns };
    return { turns, done: await closeSent(db, tool, { turns, targets }) };
  });
}

/** The runs that an earlier attempt has stored; null if there was none. */
async function postedBefore(
  db: Queryable,
  { stepId, index }: OpenedTool,
): Promise<readonly TurnInput[] | null> {
  const { rows } = await db.query<TurnInput & { readonly refusal: string | null }>(
    `select c.run_id as "runId", c.agent_id as "agentId", c.agent_id as "conversationId", c.refusal from agent_calls c
      where c.step_id = $1 and c.call_index = $2 order by c.position`,
    [stepId, index],
  );
  if (rows.length === 0) return null;
  return rows.filter(({ refusal }) => refusal === null).map(({ refusal: _, ...turn }) => turn);
}

/** A cancellation comes wholly before the message, which then is not sent, or finds its runs and stops them. */
async function lockCaller(db: Queryable, { runId, stepId }: OpenedTool): Promise<void> {
  await lockStep(db, stepId);
  const { rows } = await db.query<{ cancelled: boolean; status: string }>(
    `select cancel_requested_at is not null as cancelled, status from runs where id = $1 for share`,
    [runId],
  );
  if (rows[0]?.cancelled === true) throw new AppError('CANCELLED', `run ${runId} was cancelled`);
  if (rows[0]?.status !== 'running') throw new AppError('SUPERSEDED', `run ${runId} is over`);
}

interface Caller {
  readonly id: string;
  readonly name: string;
  readonly depth: number;
}

async function findCaller(db: Queryable, { agentId, runId }: OpenedTool): Promise<Caller> {
  const { rows } = await db.query<Caller>(
    `select id, name, coalesce((select depth from agent_calls where run_id = $2), 0) as depth from agents where id = $1`,
    [agentId, runId],
  );
  if (!rows[0]) throw new AppError('NOT_FOUND', `agent ${agentId} does not exist any more`);
  return rows[0];
}

function checkLimits({ depth }: Caller, targets: readonly Target[]): void {
  if (depth >= MAX_CALL_DEPTH) {
    throw toolError(
      'RuntimeError',
      `This message would be number ${depth + 1} in a row from agent to agent; ${MAX_CALL_DEPTH} are allowed. ` +
        'Answer with what you have instead of asking another agent.',
    );
  }
  if (targets.length > MAX_FAN_OUT) {
    throw toolError(
      'ValueError',
      `${targets.length} agents match these tags; one call reaches at most ${MAX_FAN_OUT}. Nothing was sent. ` +
        'Narrow the tags, or write to single agents.',
    );
  }
}

const REFUSAL = 'The agent waits for the approval of a human and takes no message until then.';

interface Post {
  readonly tool: OpenedTool;
  readonly message: AgentMessage;
  readonly caller: Caller;
  readonly target: Target;
  readonly position: number;
}

/** Stores one message as a run of the agent; null if that one can't take messages now. */
async function post(
  db: Queryable,
  { tool, message, caller, target, position }: Post,
): Promise<TurnInput | null> {
  const runId = derivedId('run', tool.key, 'to', target.id);
  const minted = await mintRun(db, {
    id: runId,
    agentId: target.id,
    conversationId: target.id,
    background: true,
    streamTokens: false,
    maxSteps: 50,
    request: toRequest(runId, deliveredText(message, caller), caller),
    requestConfig: {},
    metadata: { run_type: 'send_message_by_agent', caller_agent_id: caller.id, caller_run_id: tool.runId },
    callbackUrl: null,
    ignoresPending: false,
    strategy: null,
  });
  if (!minted.hasAgent) throw toolError('ValueError', `Agent ${target.id} was deleted. Nothing was sent.`);
  await db.query(
    `insert into agent_calls (run_id, agent_id, agent_name, caller_run_id, caller_conversation_id, step_id, call_index,
                              position, waits, depth, refusal)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      runId,
      target.id,
      target.name,
      tool.runId,
      tool.conversationId,
      tool.stepId,
      tool.index,
      position,
      message.waits,
      caller.depth + 1,
      minted.isStored ? null : REFUSAL,
    ],
  );
  return minted.isStored ? { runId, agentId: target.id, conversationId: target.id } : null;
}

const toRequest = (runId: string, text: string, caller: Caller): TurnRequest => ({
  messages: [
    {
      id: derivedId('message', runId, 'input'),
      role: 'user',
      parts: [{ type: 'text', text, fromAgent: true }],
      name: null,
      otid: null,
      senderId: caller.id,
    },
  ],
  approvals: null,
  overrideModel: null,
  overrideSystem: null,
});

/** Stores the result of a call that does not wait, in the transaction that posts its message. */
async function closeSent(
  db: Queryable,
  tool: OpenedTool,
  { turns, targets }: { readonly turns: readonly TurnInput[]; readonly targets: readonly Target[] },
) {
  const claim = await claimCall(db, tool);
  if (!claim) throw new AppError('SUPERSEDED', `call ${tool.key} is closed already`);
  const [turn] = turns;
  const [target] = targets;
  if (!turn || !target) throw toolError('RuntimeError', `${REFUSAL} Nothing was sent.`);
  const outcome = succeededOutcome(
    `The message was sent to ${target.name} (${target.id}); it works on it in run ${turn.runId}.`,
  );
  return storeResult(db, { ...tool, attempt: claim.attempt }, outcome, { status: 'done' });
}
