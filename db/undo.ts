import type { Effect } from '../domain/effect';
import { AppError } from '../domain/errors';
import { isTerminal, type RunStatus } from '../domain/run';
import type { ToolRunInput } from '../domain/tool-run';
import { nextToUndo, undoArguments, undoStateOf, type UndoAttempt, type UndoCall } from '../domain/undo';
import { derivedId } from '../new-id';
import { EFFECT_SELECT } from './effects';
import { toJsonb } from './json';
import { inTransaction, type Pool, type Queryable } from './pool';
import { toTool, type ToolRow } from './tools';

/** A run as far as undoing it goes, its calls newest first. Calls that only read are left out. */
export interface UndoPlan {
  readonly runId: string;
  /** When somebody asked for it; null when nothing is under way. */
  readonly askedAt: Date | null;
  readonly calls: readonly UndoCall[];
}

/** What undoing the run would do, and what it has done; NOT_FOUND without the run. */
export async function getUndoPlan(db: Queryable, runId: string): Promise<UndoPlan> {
  const { rows } = await db.query<{ askedAt: Date | null }>(
    `select undo_requested_at as "askedAt" from runs where id = $1`,
    [runId],
  );
  if (!rows[0]) throw new AppError('NOT_FOUND', `Run not found with id='${runId}'`);
  return { runId, askedAt: rows[0].askedAt, calls: await loadCalls(db, runId) };
}

async function loadCalls(db: Queryable, runId: string): Promise<readonly UndoCall[]> {
  const { rows } = await db.query<{
    effect: Effect;
    undo_name: string | null;
    undo_tool: ToolRow | null;
    attempt: (Omit<UndoAttempt, 'finishedAt'> & { readonly finishedAt: string | null }) | null;
  }>(
    `with effect as (${EFFECT_SELECT} where tool_executions.run_id = $1 and tool_executions.effects <> 'read')
     select to_jsonb(effect) as effect, t.undo as undo_name, to_jsonb(u) as undo_tool,
            case when tr.id is not null then jsonb_build_object('id', tr.id, 'outcome', tr.outcome,
              'isUnknown', tr.is_unknown, 'finishedAt', tr.finished_at) end as attempt
       from effect join tool_executions e on e.key = effect.key
            left join tools t on t.id = e.tool_id left join tools u on u.name = t.undo
            left join tool_runs tr on tr.id = e.undo_id
      order by e.finished_at desc nulls first, e.call_index desc`,
    [runId],
  );
  return rows.map((row) => ({
    effect: row.effect,
    undoName: row.undo_name,
    undoTool: row.undo_tool && toTool(row.undo_tool),
    attempt: row.attempt && {
      ...row.attempt,
      finishedAt: row.attempt.finishedAt === null ? null : new Date(row.attempt.finishedAt),
    },
  }));
}

/**
 * Asks for a run to be undone. Asking again while it is under way changes nothing; asking again after one of its undos has
 * failed tries that one anew. CONFLICT while the run itself is under way.
 */
export function requestUndo(pool: Pool, runId: string): Promise<UndoPlan> {
  return inTransaction(pool, async (db) => {
    const { rows } = await db.query<{ status: RunStatus }>(
      `select status from runs where id = $1 for no key update`,
      [runId],
    );
    const status = rows[0]?.status;
    if (status !== undefined && !isTerminal(status)) {
      throw new AppError(
        'CONFLICT',
        `CONFLICT: Run ${runId} is ${status}; it can be undone once it is over. Cancel it, or wait until it ends.`,
      );
    }
    await markForUndo(db, runId);
    return getUndoPlan(db, runId);
  });
}

/** Marks a run that has something to undo, in the caller's transaction. False if it has nothing. */
export async function markForUndo(db: Queryable, runId: string): Promise<boolean> {
  const states = (await loadCalls(db, runId)).map(undoStateOf);
  if (!states.some((state) => ['undoable', 'undoing', 'undo_failed'].includes(state))) return false;
  await db.query(`update runs set undo_requested_at = coalesce(undo_requested_at, now()) where id = $1`, [
    runId,
  ]);
  return true;
}

/** Keeps what the calls of a run were and came to, for a rollback is about to take their messages. */
export async function keepCalls(db: Queryable, runId: string): Promise<void> {
  await db.query(
    `with effect as (${EFFECT_SELECT} where tool_executions.run_id = $1)
     update tool_executions e set kept_arguments = effect.arguments, kept_result = effect.result
       from effect where e.key = effect.key`,
    [runId],
  );
}

/**
 * The next undo of a run, stored as a call by hand before it is returned: a repeat returns the same one. Null when there
 * is none, or when the last one did not succeed; then the run is no longer under way.
 */
export function nextUndo(pool: Pool, runId: string): Promise<ToolRunInput | null> {
  return inTransaction(pool, async (db) => {
    await db.query('select from runs where id = $1 for no key update', [runId]);
    const { askedAt, calls } = await getUndoPlan(db, runId);
    if (askedAt === null) return null;
    const next = nextToUndo(calls, askedAt);
    if (!next) {
      await db.query('update runs set undo_requested_at = null where id = $1', [runId]);
      return null;
    }
    if ('fresh' in next) return mintUndo(db, next.fresh);
    const call = calls.find(({ attempt }) => attempt?.id === next.again.id);
    return { id: next.again.id, effects: call?.undoTool?.effects ?? 'once' };
  });
}

async function mintUndo(db: Queryable, { effect, undoTool }: UndoCall): Promise<ToolRunInput> {
  if (!undoTool) throw new AppError('INTERNAL', `call ${effect.key} has no undo tool`);
  const { rows } = await db.query<{ tries: number }>(
    `select count(*)::int as tries from tool_runs where undo_key = $1`,
    [effect.key],
  );
  const id = derivedId('job', effect.key, 'undo', rows[0]?.tries ?? 0);
  await db.query(
    `insert into tool_runs (id, agent_id, tool_name, args, undo_key) values ($1, $2, $3, $4, $5)`,
    [id, effect.agentId, undoTool.name, toJsonb(undoArguments(undoTool, effect)), effect.key],
  );
  await db.query('update tool_executions set undo_id = $2 where key = $1', [effect.key, id]);
  return { id, effects: undoTool.effects };
}

/** Says, in the caller's transaction, that a call is undone; its model is told before the next turn. */
export async function settleUndo(db: Queryable, key: string): Promise<void> {
  await db.query(
    `update tool_executions set undone_at = now(), undo_note_id = $2 where key = $1 and undone_at is null`,
    [key, derivedId('message', key, 'undone')],
  );
}

/** Runs that somebody asked to undo a while ago: the process that took the request may have died before the start. */
export async function findStrandedUndos(db: Queryable): Promise<readonly string[]> {
  const { rows } = await db.query<{ id: string }>(
    `select id from runs where undo_requested_at < now() - interval '10 seconds' order by undo_requested_at limit 20`,
  );
  return rows.map(({ id }) => id);
}
