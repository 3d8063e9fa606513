import { type Effect, type EffectResolution, type EffectStatus, verdictOutcome } from '../domain/effect';
import { AppError } from '../domain/errors';
import { parseToolArguments } from '../domain/tool-arguments';
import type { ToolRunInput } from '../domain/tool-run';
import { newId } from '../new-id';
import { toJsonb } from './json';
import { createConditions, type Page, selectPage } from './keyset';
import { inTransaction, type Pool, type Queryable } from './pool';
import { applyResolution } from './resolve-effect';
import { findTools } from './tools';

/** Selects calls of the ledger as `Effect`s. */
export const EFFECT_SELECT = `select tool_executions.key, tool_executions.run_id as "runId", tool_executions.step_id as "stepId",
  r.agent_id as "agentId", r.conversation_id as "conversationId", tool_executions.tool_call_id as "toolCallId",
  tool_executions.tool_name as "toolName", tool_executions.tool_id as "toolId",
  coalesce(tool_executions.kept_arguments,
    (select part ->> 'arguments' from messages answer, jsonb_array_elements(answer.parts) part
    where answer.step_id = tool_executions.step_id and answer.role = 'approval_response'
      and part ->> 'toolCallId' = tool_executions.tool_call_id limit 1),
  (select part ->> 'arguments' from steps s join messages m on m.id = s.message_id, jsonb_array_elements(m.parts) part
    where s.id = tool_executions.step_id and part ->> 'type' = 'tool_call'
      and part ->> 'id' = tool_executions.tool_call_id limit 1)) as arguments,
  tool_executions.effects, tool_executions.status, tool_executions.attempt, tool_executions.message_id as "messageId",
  coalesce(tool_executions.resolved, tool_executions.kept_result, (select m.parts -> 0 from messages m where m.id = tool_executions.message_id)) as result,
  tool_executions.late_result as "lateResult", tool_executions.late_at as "lateAt", tool_executions.resolution,
  tool_executions.resolved_at as "resolvedAt", tool_executions.claimed_at as "claimedAt",
  tool_executions.finished_at as "finishedAt"
  from tool_executions join runs r on r.id = tool_executions.run_id`;

export interface EffectFilter {
  readonly status?: EffectStatus | undefined;
  readonly agentId?: string | undefined;
  readonly runId?: string | undefined;
  readonly toolName?: string | undefined;
}

/** One page of the ledger by the time of the last claim. Cursors are keys; an unknown one is `NOT_FOUND`. */
export function listEffects(db: Queryable, filter: EffectFilter, page: Page): Promise<readonly Effect[]> {
  const conditions = createConditions();
  if (filter.status !== undefined) conditions.add('tool_executions.status = ?', filter.status);
  if (filter.agentId !== undefined) conditions.add('r.agent_id = ?', filter.agentId);
  if (filter.runId !== undefined) conditions.add('tool_executions.run_id = ?', filter.runId);
  if (filter.toolName !== undefined) conditions.add('tool_executions.tool_name = ?', filter.toolName);
  return selectPage<Effect>(db, {
    table: 'tool_executions',
    id: 'key',
    select: EFFECT_SELECT,
    ...conditions,
    sortBy: (t) => `${t}.claimed_at`,
    page,
  });
}

/** The call with this key, or `NOT_FOUND`. */
export async function getEffect(db: Queryable, key: string): Promise<Effect> {
  const { rows } = await db.query<Effect>(`${EFFECT_SELECT} where tool_executions.key = $1`, [key]);
  if (!rows[0]) throw effectNotFound(key);
  return rows[0];
}

const effectNotFound = (key: string): AppError =>
  new AppError('NOT_FOUND', `No effect with key '${key}'. List the effects to see which exist.`);

/**
 * Writes an operator's verdict on a call whose outcome is unknown, in one transaction with the message, the note to the
 * model and the event. The same verdict again changes nothing; any other, or one on a call that is known, is CONFLICT.
 * `retry` returns the tool run that is to be started; a repeat returns the same one until it has ended.
 */
export function resolveEffect(
  pool: Pool,
  key: string,
  { resolution, result }: { readonly resolution: EffectResolution; readonly result: string | null },
): Promise<{ readonly effect: Effect; readonly retry: ToolRunInput | null }> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ retry_id: string | null }>(
      `select retry_id from tool_executions where key = $1 for update`,
      [key],
    );
    if (!rows[0]) throw effectNotFound(key);
    const effect = await getEffect(db, key);
    if (effect.resolution === resolution) {
      const id = effect.status === 'unknown' ? rows[0].retry_id : null;
      return { effect, retry: id === null ? null : { id, effects: effect.effects } };
    }
    if (effect.status !== 'unknown' || effect.resolution !== null) throw alreadySettled(effect);
    if (resolution === 'retry') {
      const id = await mintRetry(db, effect);
      return { effect: await getEffect(db, key), retry: { id, effects: effect.effects } };
    }
    await applyResolution(db, key, resolution, verdictOutcome(effect.toolName, resolution, result));
    return { effect: await getEffect(db, key), retry: null };
  });
}

function alreadySettled({ key, status, resolution }: Effect): AppError {
  const state = resolution === null ? `is ${status}` : `was resolved as '${resolution}'`;
  return new AppError(
    'CONFLICT',
    `The call ${key} ${state}; only a call whose outcome is unknown can be resolved.`,
  );
}

/** Stores the call once more, as a call by hand that carries the ledger's key. */
async function mintRetry(db: Queryable, effect: Effect): Promise<string> {
  const [tool] = effect.toolId === null ? [] : await findTools(db, [effect.toolId]);
  const parsed = tool && parseToolArguments(effect.arguments ?? '', tool);
  const id = newId('job');
  const { rowCount } = await db.query(
    `insert into tool_runs (id, agent_id, tool_name, args, effect_key)
     select $1, $2, t.name, $4, $5 from agent_tools at join tools t on t.id = at.tool_id
      where at.agent_id = $2 and t.id = $3`,
    [id, effect.agentId, effect.toolId, toJsonb(parsed && 'args' in parsed ? parsed.args : {}), effect.key],
  );
  if (!parsed || 'error' in parsed || rowCount === 0) {
    const why =
      parsed && 'error' in parsed
        ? 'its arguments cannot be read'
        : 'its agent does not have the tool any more';
    throw new AppError('CONFLICT', `The call ${effect.key} cannot be run again: ${why}.`);
  }
  await db.query(
    `update tool_executions set resolution = 'retry', retry_id = $2, attempt = attempt + 1 where key = $1`,
    [effect.key, id],
  );
  return id;
}

/** Retries that an operator asked for and that nobody has finished: their API process may have died before the start. */
export async function findStrandedRetries(db: Queryable): Promise<readonly ToolRunInput[]> {
  const { rows } = await db.query<ToolRunInput>(
    `select t.id, e.effects from tool_runs t join tool_executions e on e.key = t.effect_key
      where t.effect_key is not null and t.outcome is null and t.created_at < now() - interval '10 seconds'
      order by t.created_at limit 20`,
  );
  return rows;
}
