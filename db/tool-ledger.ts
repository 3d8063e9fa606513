import { AppError } from '../domain/errors';
import type { MemoryTransaction } from '../domain/ports';
import type { Tool, ToolOutcome, ToolProbed } from '../domain/tool';
import { lostOutcome } from '../domain/effect';
import type { PlannedCall, SettleKey, ToolDone, ToolKey, ToolSettled } from '../domain/turn';
import type { OpenedTool } from '../domain/turn-state';
import { authorOf, setMemoryAuthor } from './memory-author';
import { toJsonb } from './json';
import { memoryTransaction } from './memory-transaction';
import { type CallRow, type Claim, claimCall, loadCall } from './open-call';
import { outlastRestart } from './outlast-restart';
import { refuseWhileRunning } from './presence';
import { inTransaction, type Pool, type Queryable } from './pool';
import { lockStep, storeResult, whatEnded } from './store-result';

const isClosed = (ledgerStatus: string | null): boolean =>
  ledgerStatus === 'done' || ledgerStatus === 'unknown';

/** See `TurnStore.openTool`. A transactional call is claimed later, in the transaction that also runs it. */
export async function openTool(
  pool: Pool,
  key: ToolKey,
  worker: number | null = null,
): Promise<{ readonly done: ToolDone } | { readonly opened: OpenedTool }> {
  const { row, opened } = await outlastRestart(() => loadCall(pool, key));
  if (isClosed(row.ledger_status)) return { done: await whatEnded(pool, key) };
  if (row.cancelled) throw new AppError('CANCELLED', `run ${key.runId} was cancelled`);
  if (row.run_status !== 'running') {
    throw new AppError('SUPERSEDED', `run ${key.runId} is ${row.run_status}; its tools can't run`);
  }
  if (opened.effects === 'transactional') return { opened };
  const claim = await claimCall(pool, opened, { toRun: true, worker });
  if (!claim) {
    throw new AppError(
      'CONFLICT',
      `call ${opened.key} was started before and may have acted; it is not repeated`,
    );
  }
  return { opened: { ...opened, attempt: claim.attempt } };
}

/** See `TurnStore.saveToolResult`. */
export async function saveToolResult(pool: Pool, tool: OpenedTool, outcome: ToolOutcome): Promise<ToolDone> {
  try {
    // A `once` call has no further attempt, so its result outlasts a restart of the database here. The write may be
    // repeated: one that was committed already is refused as superseded.
    return await outlastRestart(() =>
      inTransaction(pool, async (db) => {
        const [, done] = await Promise.all([
          lockStep(db, tool.stepId),
          storeResult(db, tool, outcome, { status: 'done' }),
        ]);
        return done;
      }),
    );
  } catch (error) {
    if (error instanceof AppError && error.code === 'SUPERSEDED') await keepLateResult(pool, tool, outcome);
    throw error;
  }
}

/** See `TurnStore.keepLateResult`. */
export async function keepLateResult(db: Queryable, tool: OpenedTool, outcome: ToolOutcome): Promise<void> {
  await db.query(
    `update tool_executions set late_result = $2, late_at = now()
      where key = $1 and late_at is null and (status = 'unknown' or (status = 'claimed' and attempt = $3))`,
    [tool.key, toJsonb(outcome), tool.attempt],
  );
}

/** See `TurnStore.runTransactionalTool`. */
export function runTransactionalTool(
  pool: Pool,
  tool: OpenedTool,
  run: (memory: MemoryTransaction) => Promise<ToolOutcome>,
): Promise<ToolDone> {
  return inTransaction(pool, async (db) => {
    const [, claim] = await Promise.all([
      lockStep(db, tool.stepId),
      claimCall(db, tool),
      setMemoryAuthor(db, authorOf(tool)),
    ]);
    if (!claim) throw new AppError('SUPERSEDED', `call ${tool.key} is closed already`);
    // A call that another run goes on with was approved by a human there.
    const isReviewed = tool.askedBy !== tool.runId;
    const outcome = await run(memoryTransaction(db, { ...tool, isReviewed }));
    return storeResult(db, { ...tool, attempt: claim.attempt }, outcome, { status: 'done' });
  });
}

/** See `TurnStore.settleTool`. */
export function settleTool(
  pool: Pool,
  key: SettleKey,
  hasProbe: (tool: Tool) => boolean = () => false,
): Promise<ToolSettled> {
  return inTransaction(pool, async (db) => {
    const { row, opened } = await loadCall(db, key);
    if (isClosed(row.ledger_status)) return whatEnded(db, key);
    // Refused because an earlier attempt has the claim: Temporal lost sight of that one.
    const code = key.code === 'CONFLICT' ? 'WORKER_LOST' : key.code;
    if (mayBegin(row, { ...key, code })) return { again: true };
    await refuseWhileRunning(db, code, row);
    const isLost = row.ledger_status === 'claimed' && opened.effects === 'once';
    if (isLost && key.isProbed !== true && opened.tool && hasProbe(opened.tool)) return { probe: true };
    await lockStep(db, opened.stepId);
    // The claim locks the row and fences the lost attempt off; whatever that one stored before counts.
    const claim = await claimCall(db, opened);
    if (!claim) return whatEnded(db, key);
    if (code === 'WORKER_LOST' && claim.attempt > opened.attempt + 1)
      throw new AppError(
        'UNAVAILABLE',
        `call ${opened.key} was claimed meanwhile, by a worker that is only late`,
      );
    const tool = { ...opened, attempt: claim.attempt };
    if (claim.lateResult) return storeResult(db, tool, claim.lateResult, { status: 'done' });
    const mayHaveActed = claim.attempt > 1 && opened.effects !== 'read';
    const outcome = lostOutcome(opened.call.name, code, mayHaveActed);
    return storeResult(db, tool, outcome, { status: mayHaveActed ? 'unknown' : 'done' });
  });
}

/**
 * Whether a `once` call that Temporal lost sight of was never claimed, so that it can't have acted: its worker was too busy, or
 * died, before it came to that. Should it claim the call after all, the next attempt is refused and waits for it.
 */
const mayBegin = ({ ledger_status: status, calls }: CallRow, { code, index, isAgain }: SettleKey): boolean =>
  status === null &&
  code === 'WORKER_LOST' &&
  isAgain !== true &&
  calls?.some((call) => call.index === index && call.effects === 'once' && call.asksAgents !== true) === true;

/** See `TurnStore.openLostTool`. */
export async function openLostTool(
  pool: Pool,
  key: ToolKey,
): Promise<{ readonly done: ToolDone } | { readonly opened: OpenedTool }> {
  const { row, opened } = await loadCall(pool, key);
  if (row.ledger_status !== 'claimed') return { done: await whatEnded(pool, key) };
  return { opened };
}

/** See `TurnStore.saveProbe`. */
export function saveProbe(pool: Pool, tool: OpenedTool, probed: ToolProbed): Promise<ToolSettled> {
  return inTransaction(pool, async (db) => {
    await lockStep(db, tool.stepId);
    const { rows } = await db.query<Claim>(
      `update tool_executions set attempt = attempt + 1, may_repeat = $3
        where key = $1 and attempt = $2 and status = 'claimed' returning attempt, late_result as "lateResult"`,
      [tool.key, tool.attempt, probed.outcome === 'not_done'],
    );
    const claim = rows[0];
    if (!claim)
      throw new AppError('SUPERSEDED', `the probed attempt of call ${tool.key} is not the current one`);
    const known = claim.lateResult ?? (probed.outcome === 'done' ? probed.result : null);
    if (known) return storeResult(db, { ...tool, attempt: claim.attempt }, known, { status: 'done' });
    return probed.outcome === 'not_done' ? { again: true } : { isUnknown: true };
  });
}

/** Closes one call with a given result, in the caller's transaction, without running it. */
export async function closeCall(db: Queryable, key: ToolKey, outcome: ToolOutcome): Promise<ToolDone> {
  const { opened } = await loadCall(db, key);
  await lockStep(db, opened.stepId);
  const claim = await claimCall(db, opened);
  if (!claim) throw new AppError('SUPERSEDED', `call ${opened.key} is closed already`);
  return storeResult(db, { ...opened, attempt: claim.attempt }, outcome, { status: 'done' });
}

/** Closes every open call of a run that stops early, so that its transcript stays whole. */
export async function closeOpenCalls(db: Queryable, runId: string, reason: string): Promise<void> {
  const { rows } = await db.query<{
    asked_by: string;
    step: number;
    calls: readonly PlannedCall[];
    closed: readonly number[];
  }>(
    `select s.run_id as asked_by, s.index as step, s.outcome -> 'calls' as calls,
            array(select call_index from tool_executions e where e.step_id = s.id and e.status <> 'claimed') as closed
       from steps s where s.outcome ? 'calls'
        and s.id in (select step_id from messages where run_id = $1 and not in_context)`,
    [runId],
  );
  for (const { asked_by: askedBy, step, calls, closed } of rows) {
    for (const { index } of calls.filter((call) => !closed.includes(call.index))) {
      const call = await loadCall(db, { runId, askedBy, step, index }).catch(ifDamaged);
      if (!call) continue; // Rows it refers to are gone. The end of its run does not wait for them; `mend-thread` closes it.
      const { opened } = call;
      await lockStep(db, opened.stepId);
      const claim = await claimCall(db, opened);
      if (!claim) continue; // It finished while this transaction looked.
      const isUnknown = claim.lateResult === null && claim.attempt > 1 && opened.effects !== 'read';
      const result = isUnknown ? `${reason} It may or may not have acted.` : reason;
      const outcome = claim.lateResult ?? { status: 'error', result, stdout: null, stderr: null };
      await storeResult(db, { ...opened, attempt: claim.attempt }, outcome, {
        status: isUnknown ? 'unknown' : 'done',
        isClosing: true,
      });
    }
  }
}

function ifDamaged(error: unknown): null {
  if (error instanceof AppError && ['NOT_FOUND', 'INTERNAL'].includes(error.code)) return null;
  throw error;
}
