import { AppError } from '../domain/errors';
import type { ToolEffects, ToolOutcome } from '../domain/tool';
import type { ToolArguments } from '../domain/tool-arguments';
import {
  trialEffects,
  type OpenedToolRun,
  type OpenedTrial,
  type ToolRunStore,
  type TriedTool,
} from '../domain/tool-run';
import { undoKeyOf } from '../domain/undo';
import { setMemoryAuthor } from './memory-author';
import { toJsonb } from './json';
import { memoryTransaction } from './memory-transaction';
import { writeAgentMemory } from './write-agent-memory';
import { inTransaction, type Pool, type Queryable } from './pool';
import { type ClaimedBy, refuseWhileRunning } from './presence';
import { applyResolution } from './resolve-effect';
import { nextUndo, settleUndo } from './undo';
import { EFFECTS_FOR_AGENT, toTool, type ToolRow } from './tools';

/** The effects of an agent's tool; null if the agent has no such tool. */
export async function effectsOfTool(
  db: Queryable,
  agentId: string,
  toolName: string,
): Promise<ToolEffects | null> {
  const { rows } = await db.query<{ effects: ToolEffects }>(
    `select ${EFFECTS_FOR_AGENT} as effects from agent_tools at join tools t on t.id = at.tool_id
      where at.agent_id = $1 and t.name = $2`,
    [agentId, toolName],
  );
  return rows[0]?.effects ?? null;
}

/** Stores a call by hand before its workflow starts. */
export async function mintToolRun(
  db: Queryable,
  run: {
    readonly id: string;
    readonly agentId: string;
    readonly toolName: string;
    readonly args: ToolArguments;
  },
): Promise<void> {
  await db.query(`insert into tool_runs (id, agent_id, tool_name, args) values ($1, $2, $3, $4)`, [
    run.id,
    run.agentId,
    run.toolName,
    toJsonb(run.args),
  ]);
}

// How long a call by hand is remembered by what it was asked with.
const REMEMBERED = '1 hour';

/**
 * The id of the call that an earlier sending of a request stored, where `joins`; else that of a new one, which `mint` stores in the
 * same transaction. Sendings that arrive at once store one.
 */
export function mintCallOnce(
  pool: Pool,
  { hash, joins }: { readonly hash: string; readonly joins: boolean },
  { id, mint }: { readonly id: string; readonly mint: (db: Queryable) => Promise<void> },
): Promise<string> {
  return inTransaction(pool, async (db) => {
    await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [hash]);
    const { rows } = await db.query<{ id: string }>(
      `select id from tool_runs where $2 and request_hash = $1 and created_at > now() - interval '${REMEMBERED}'
        order by created_at desc limit 1`,
      [hash, joins],
    );
    if (rows[0]) return rows[0].id;
    await mint(db);
    await db.query(`update tool_runs set request_hash = $2 where id = $1`, [id, hash]);
    return id;
  });
}

/**
 * Stores a call without an agent before its workflow starts. The tool is not kept beyond its outcome; trials that a dead server left
 * without one go with the first trial of another day.
 */
export async function mintTrial(
  db: Queryable,
  trial: {
    readonly id: string;
    readonly tool: TriedTool;
    readonly args: ToolArguments;
    readonly env: Readonly<Record<string, string>>;
  },
): Promise<void> {
  await db.query(
    `with gone as (delete from tool_runs where source is not null and created_at < now() - interval '1 day')
     insert into tool_runs (id, tool_name, args, source, env) values ($1, $2, $3, $4, $5)`,
    [trial.id, trial.tool.name, toJsonb(trial.args), toJsonb(trial.tool), toJsonb(trial.env)],
  );
}

/** What a call by hand came to; null while it is under way, or when it is gone. */
export async function findToolRunOutcome(db: Queryable, id: string): Promise<ToolOutcome | null> {
  const { rows } = await db.query<{ outcome: ToolOutcome | null }>(
    `select outcome from tool_runs where id = $1`,
    [id],
  );
  return rows[0]?.outcome ?? null;
}

/** What a call by hand came to, or `NOT_FOUND`. */
export async function getToolRunOutcome(db: Queryable, id: string): Promise<ToolOutcome> {
  const outcome = await findToolRunOutcome(db, id);
  if (!outcome)
    throw new AppError('NOT_FOUND', `tool run ${id} has no outcome; its agent was deleted meanwhile`);
  return outcome;
}

/** Calls by hand on Postgres. `worker` is the presence of the process that runs tools through it. */
export function createToolRunStore(pool: Pool, worker: number | null = null): ToolRunStore {
  return {
    open: (id, lostBy) => inTransaction(pool, (db) => openToolRun(db, { id, worker, lostBy })),
    finish: (id, outcome) => inTransaction(pool, (db) => finish(db, id, outcome)),
    giveUp: (id, outcome, options) => inTransaction(pool, (db) => giveUp(db, id, outcome, options)),
    nextUndo: (runId) => nextUndo(pool, runId),
    runTransactional: (run, work) =>
      inTransaction(pool, async (db) => {
        const { rows } = await db.query(
          `select 1 from tool_runs where id = $1 and outcome is null for update`,
          [run.id],
        );
        if (rows.length === 0) return;
        await setMemoryAuthor(db, { kind: 'by_hand', agentId: run.agentId, toolName: run.tool.name });
        await finish(
          db,
          run.id,
          await work(memoryTransaction(db, { agentId: run.agentId, conversationId: null })),
        );
      }),
  };
}

interface Opening {
  readonly id: string;
  readonly worker: number | null;
  /** How an earlier attempt at a `once` call failed. */
  readonly lostBy: string | undefined;
}

async function openToolRun(db: Queryable, opening: Opening): Promise<OpenedToolRun | OpenedTrial | null> {
  const { rows } = await db.query<ClaimedBy>(
    `select worker, extract(epoch from now() - claimed_at)::float8 * 1000 as claimed_ms_ago
       from tool_runs where id = $1 and outcome is null`,
    [opening.id],
  );
  if (!rows[0]) return null;
  await refuseWhileRunning(db, opening.lostBy, rows[0]);
  return (await openTrial(db, opening)) ?? (await openRunOfAgent(db, opening));
}

async function openTrial(db: Queryable, { id, worker }: Opening): Promise<OpenedTrial | null> {
  const { rows } = await db.query<{
    tool: TriedTool;
    args: ToolArguments;
    env: Readonly<Record<string, string>>;
    was_claimed: boolean;
  }>(
    `with before as (select id, claimed_at from tool_runs where id = $1)
     update tool_runs r set claimed_at = now(), worker = $2 from before
      where r.id = before.id and r.outcome is null and r.source is not null
      returning r.source as tool, r.args, r.env, before.claimed_at is not null as was_claimed`,
    [id, worker],
  );
  const row = rows[0];
  if (!row) return null;
  const { tool, args, env: secrets, was_claimed: wasClaimed } = row;
  return { id, isTrial: true, tool, args, secrets, effects: trialEffects(tool), wasClaimed };
}

async function openRunOfAgent(db: Queryable, { id, worker }: Opening): Promise<OpenedToolRun | null> {
  const { rows } = await db.query<{
    agent_id: string;
    conversation_id: string | null;
    effect_key: string | null;
    undo_key: string | null;
    run_id: string | null;
    step_id: string | null;
    tool_call_id: string | null;
    effects: ToolEffects;
    args: ToolArguments;
    secrets: Readonly<Record<string, string>>;
    was_claimed: boolean;
    tool: ToolRow;
  }>(
    `with before as (select id, claimed_at from tool_runs where id = $1),
          claimed as (update tool_runs set claimed_at = now(), worker = $2 where id = $1 and outcome is null returning *)
     select claimed.agent_id, claimed.args, a.secrets, before.claimed_at is not null as was_claimed, to_jsonb(t) as tool,
            claimed.effect_key, claimed.undo_key, e.run_id, e.step_id, e.tool_call_id, r.conversation_id,
            case when claimed.effect_key is not null then e.effects else ${EFFECTS_FOR_AGENT} end as effects
       from claimed join before on before.id = claimed.id join agents a on a.id = claimed.agent_id
            join tools t on t.name = claimed.tool_name
            left join agent_tools at on at.agent_id = a.id and at.tool_id = t.id
            left join tool_executions e on e.key = coalesce(claimed.effect_key, claimed.undo_key)
            left join runs r on r.id = e.run_id
      where at.tool_id is not null or claimed.undo_key is not null`,
    [id, worker],
  );
  const row = rows[0];
  if (!row) return null;
  const { agent_id: agentId, conversation_id: conversationId, args, secrets, effects } = row;
  const call = {
    runId: row.run_id ?? id,
    stepId: row.step_id ?? id,
    toolCallId: row.tool_call_id ?? id,
    idempotencyKey: row.undo_key === null ? (row.effect_key ?? id) : undoKeyOf(row.undo_key),
  };
  return {
    id,
    agentId,
    conversationId,
    call,
    args,
    secrets,
    effects,
    wasClaimed: row.was_claimed,
    tool: toTool(row.tool),
  };
}

async function finish(db: Queryable, id: string, { memory, ...outcome }: ToolOutcome): Promise<void> {
  const closed = await close(db, id, outcome);
  if (!closed) return;
  const { effect_key: key, undo_key: undone, agent_id: agentId, tool_name: toolName } = closed;
  if (memory && agentId !== null) {
    await setMemoryAuthor(db, { kind: 'by_hand', agentId, toolName });
    await writeAgentMemory(db, { agentId, conversationId: null }, memory);
  }
  if (key !== null) await applyResolution(db, key, 'retry', outcome);
  if (undone !== null && outcome.status === 'success') await settleUndo(db, undone);
}

/** A retry that was lost leaves its call unknown, as it was, and free to be resolved again. */
async function giveUp(
  db: Queryable,
  id: string,
  outcome: ToolOutcome,
  { isUnknown } = { isUnknown: false },
): Promise<void> {
  const key = (await close(db, id, outcome, isUnknown))?.effect_key ?? null;
  if (key === null) return;
  await db.query(
    `update tool_executions set resolution = null, retry_id = null where key = $1 and status = 'unknown'`,
    [key],
  );
}

interface Closed {
  readonly effect_key: string | null;
  readonly undo_key: string | null;
  readonly agent_id: string | null;
  readonly tool_name: string;
}

/** Stores the outcome; returns whose call it was and which call of the ledger it repeats or undoes. Null if it was closed before. */
async function close(
  db: Queryable,
  id: string,
  outcome: ToolOutcome,
  isUnknown = false,
): Promise<Closed | null> {
  const { rows } = await db.query<Closed>(
    `update tool_runs set outcome = $2, is_unknown = $3, finished_at = now(), source = null, env = null
      where id = $1 and outcome is null returning effect_key, undo_key, agent_id, tool_name`,
    [id, toJsonb(outcome), isUnknown],
  );
  return rows[0] ?? null;
}
