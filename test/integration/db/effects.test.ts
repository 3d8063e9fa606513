import { findStrandedRetries, getEffect, listEffects, resolveEffect } from '../../../db/effects';
import { readEvents } from '../../../db/run-events';
import { createToolRunStore } from '../../../db/tool-runs';
import { createTurnStore } from '../../../db/turns';
import { holdPresence, newPresence } from '../../../db/presence';
import { planStep } from '../../../domain/plan-step';
import type { ToolEffects } from '../../../domain/tool';
import type { TurnStore } from '../../../domain/turn-store';
import type { OpenedTool } from '../../../domain/turn-state';
import { until } from '../../support/started';
import { createTestDatabase, type TestDatabase } from '../../support/stack';
import { insertAgentWithMemory, insertWaitingRun, opened, openedTool, replyTo, succeeded } from '../../support/turn-rows'; // prettier-ignore

let database: TestDatabase;
let turns: TurnStore;

beforeAll(async () => {
  database = await createTestDatabase();
  turns = createTurnStore(database.pool);
  // Its arguments are checked only by itself then, as those of users' tools are.
  await insertAgentWithMemory(database.pool);
  await rowsOf(`update tools set tool_type = 'custom' where name = 'run_code'`);
});
afterAll(() => database.drop());

const rowsOf = async <T>(sql: string, ...values: readonly unknown[]): Promise<T[]> =>
  (await database.pool.query(sql, [...values])).rows as T[]; // each query's own columns
const TIMEOUT = { code: 'TIMEOUT' } as const;
const resolve = (key: string, resolution: 'done' | 'not_done' | 'retry', result: string | null = null) =>
  resolveEffect(database.pool, key, { resolution, result });
const conflict = expect.objectContaining({ code: 'CONFLICT' }) as unknown;
const superseded = expect.objectContaining({ code: 'SUPERSEDED' }) as unknown;

async function calling(...calls: readonly ToolEffects[]): Promise<{ agentId: string; runId: string }> {
  const { id: agentId } = await insertAgentWithMemory(database.pool);
  const runId = await insertWaitingRun(database.pool, agentId);
  const step = await opened(turns, runId);
  await turns.saveReply(step, replyTo(step, { calls }));
  return { agentId, runId };
}

/** A `once` call whose worker was lost in the middle; the turn goes on and ends with a word of the model. */
async function lost(): Promise<{ agentId: string; runId: string; tool: OpenedTool; key: string }> {
  const { agentId, runId } = await calling('once');
  const tool = await openedTool(turns, runId);
  await turns.settleTool({ runId, step: 0, index: 0, ...TIMEOUT });
  const next = await opened(turns, runId, 1);
  await turns.saveReply(next, replyTo(next));
  return { agentId, runId, tool, key: tool.key };
}

const partOf = async (runId: string) =>
  (await rowsOf<{ part: Record<string, unknown> }>(`select parts -> 0 as part from messages where run_id = $1 and role = 'tool'`, runId))[0]!.part; // prettier-ignore
const eventTypes = async (runId: string) =>
  (await readEvents(database.pool, runId, 0, 100)).map(({ seq, event }) => `${seq} ${event.type}`);

describe('a worker that Temporal lost sight of', () => {
  const verdict = (runId: string, code: string, more: { isAgain?: boolean } = {}) =>
    turns.settleTool({ runId, step: 0, index: 0, code, ...more });

  async function livingWorker() {
    const presence = newPresence();
    const session = await database.pool.connect();
    await session.query(holdPresence(presence));
    return { worker: createTurnStore(database.pool, presence), die: () => session.release(true) };
  }

  async function claimedByWorker() {
    const { agentId, runId } = await calling('once');
    const { worker, die } = await livingWorker();
    return { agentId, runId, worker, tool: await openedTool(worker, runId), die };
  }

  it('is waited for as long as its process lives, and its result counts', async () => {
    const { runId, worker, tool, die } = await claimedByWorker();

    await expect(verdict(runId, 'WORKER_LOST')).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await worker.saveToolResult(tool, succeeded('acted'));
    expect(await verdict(runId, 'WORKER_LOST')).toEqual({});

    expect(await getEffect(database.pool, tool.key)).toMatchObject({ status: 'done' });
    die();
  });

  it('is waited for although it claims its call only while the verdict is on its way', async () => {
    const { runId } = await calling('once');
    const { worker, die } = await livingWorker();
    const holder = await database.pool.connect();
    await holder.query(`begin; select from steps where run_id = '${runId}' for no key update`);
    const judged = verdict(runId, 'WORKER_LOST', { isAgain: true }).catch((error: unknown) => error);
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
    await until(async () => (await rowsOf(waiting)).length === 1);
    const tool = await openedTool(worker, runId);
    await holder.query('rollback');
    holder.release();

    expect(await judged).toMatchObject({ code: 'UNAVAILABLE' });
    await worker.saveToolResult(tool, succeeded('acted'));
    expect(await verdict(runId, 'WORKER_LOST')).toEqual({});

    expect(await getEffect(database.pool, tool.key)).toMatchObject({ status: 'done' });
    die();
  });

  it('lets a call that it never claimed run again, once', async () => {
    const { runId } = await calling('once');

    expect(await verdict(runId, 'WORKER_LOST')).toEqual({ again: true });
    expect(await verdict(runId, 'TIMEOUT')).toEqual({});

    const other = await calling('once');
    expect(await verdict(other.runId, 'WORKER_LOST', { isAgain: true })).toEqual({});
    expect((await partOf(other.runId))['status']).toBe('error');
  });

  it('is waited for where it claims its call after the next attempt was let go', async () => {
    const { runId } = await calling('once');
    const { worker, die } = await livingWorker();
    expect(await verdict(runId, 'WORKER_LOST')).toEqual({ again: true });

    const tool = await openedTool(worker, runId);
    await expect(openedTool(turns, runId)).rejects.toMatchObject({ code: 'CONFLICT' });
    await expect(verdict(runId, 'CONFLICT', { isAgain: true })).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    await worker.saveToolResult(tool, succeeded('acted'));

    expect(await verdict(runId, 'CONFLICT', { isAgain: true })).toEqual({});
    expect(await getEffect(database.pool, tool.key)).toMatchObject({ status: 'done' });
    die();
  });

  it('makes its call unknown once its process is dead', async () => {
    const { runId, tool, die } = await claimedByWorker();

    die();
    await until(() =>
      verdict(runId, 'WORKER_LOST').then(
        () => true,
        () => false,
      ),
    );

    expect(await getEffect(database.pool, tool.key)).toMatchObject({ status: 'unknown' });
  });

  it('is not waited for longer than a tool may take, nor when it ran out of time itself', async () => {
    const [slow, late] = [await claimedByWorker(), await claimedByWorker()];
    await rowsOf(
      `update tool_executions set claimed_at = now() - interval '11 minutes' where key = $1`,
      slow.tool.key,
    );

    await verdict(slow.runId, 'WORKER_LOST');
    await verdict(late.runId, 'TIMEOUT');

    for (const { tool, die } of [slow, late]) {
      expect(await getEffect(database.pool, tool.key)).toMatchObject({ status: 'unknown' });
      die();
    }
  });
});

describe('the verdict on a call that was lost', () => {
  it('is unknown in the ledger and on the stored return', async () => {
    const { runId, key } = await lost();

    expect(await getEffect(database.pool, key)).toMatchObject({ status: 'unknown', toolName: 'run_code' });
    expect(await partOf(runId)).toMatchObject({ status: 'error', effectStatus: 'unknown' });
  });

  it('is not given when the late attempt stored its result first', async () => {
    const { runId } = await calling('once');
    const tool = await openedTool(turns, runId);
    await turns.saveToolResult(tool, succeeded('sent'));

    await turns.settleTool({ runId, step: 0, index: 0, ...TIMEOUT });

    expect(await getEffect(database.pool, tool.key)).toMatchObject({ status: 'done', resolution: null });
    expect(await partOf(runId)).toMatchObject({ result: 'sent' });
  });

  it.each(Array.from({ length: 8 }, (_, n) => n))(
    'is one of two when result and settling race (%s)',
    async () => {
      const { runId } = await calling('once');
      const tool = await openedTool(turns, runId);

      const [saved, settled] = await Promise.allSettled([
        turns.saveToolResult(tool, succeeded('sent')),
        turns.settleTool({ runId, step: 0, index: 0, ...TIMEOUT }),
      ]);

      expect(settled.status).toBe('fulfilled');
      const effect = await getEffect(database.pool, tool.key);
      if (saved.status === 'fulfilled') expect(effect).toMatchObject({ status: 'done', lateResult: null });
      else expect(effect).toMatchObject({ status: 'unknown', lateResult: { result: 'sent' } });
      expect(await rowsOf(`select from messages where run_id = $1 and role = 'tool'`, runId)).toHaveLength(1);
    },
  );

  it('keeps the result that comes after it, and changes nothing else', async () => {
    const { runId, tool, key } = await lost();
    const before = await partOf(runId);

    await expect(turns.saveToolResult(tool, succeeded('sent'))).rejects.toEqual(superseded);
    await expect(turns.saveToolResult(tool, succeeded('sent twice'))).rejects.toEqual(superseded);

    expect(await getEffect(database.pool, key)).toMatchObject({
      status: 'unknown',
      lateResult: { status: 'success', result: 'sent' },
    });
    expect((await getEffect(database.pool, key)).lateAt).toBeInstanceOf(Date);
    expect(await partOf(runId)).toEqual(before);
  });

  it('uses what a cancelled attempt brought before anybody gave one', async () => {
    const { agentId, runId } = await calling('once');
    const tool = await openedTool(turns, runId);
    await turns.keepLateResult(tool, succeeded('sent'));

    await turns.closeRun({ runId, conversationId: agentId, stopReason: 'cancelled' });

    expect(await getEffect(database.pool, tool.key)).toMatchObject({
      status: 'done',
      result: { result: 'sent' },
    });
  });

  it('lets a run be closed while the result of its call arrives', async () => {
    const { agentId, runId } = await calling('once');
    const tool = await openedTool(turns, runId);

    const [, closed] = await Promise.allSettled([
      turns.saveToolResult(tool, succeeded('sent')),
      turns.closeRun({ runId, conversationId: agentId, stopReason: 'cancelled' }),
    ]);

    expect(closed.status).toBe('fulfilled');
  });

  it('lets one of two attempts that begin at once run the tool', async () => {
    const { runId } = await calling('once');

    const begun = await Promise.allSettled([openedTool(turns, runId), openedTool(turns, runId)]);

    expect(begun.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });
});

describe('a probe', () => {
  const hasProbe = () => true;
  const key = (runId: string) => ({ runId, step: 0, index: 0 });

  /** A lost call, up to the answer of its tool's probe. */
  async function asked(): Promise<{ runId: string; agentId: string; probed: OpenedTool; first: OpenedTool }> {
    const { runId, agentId } = await calling('once');
    const first = await openedTool(turns, runId);
    expect(await turns.settleTool({ ...key(runId), ...TIMEOUT }, hasProbe)).toEqual({ probe: true });
    const claimed = await turns.openLostTool(key(runId));
    if ('done' in claimed) throw new Error('the call is closed');
    return { runId, agentId, first, probed: claimed.opened };
  }

  it('that knows the result closes the call with it', async () => {
    const { runId, probed } = await asked();

    await turns.saveProbe(probed, { outcome: 'done', result: succeeded('sent') });

    expect(await getEffect(database.pool, probed.key)).toMatchObject({
      status: 'done',
      result: { result: 'sent' },
    });
    expect(await turns.openLostTool(key(runId))).toEqual({ done: {} });
  });

  it('that knows that nothing happened lets the call run once more, and only once', async () => {
    const { runId, first, probed } = await asked();

    expect(await turns.saveProbe(probed, { outcome: 'not_done' })).toEqual({ again: true });
    const second = await openedTool(turns, runId);

    await expect(openedTool(turns, runId)).rejects.toEqual(conflict);
    await expect(turns.saveToolResult(first, succeeded('late'))).rejects.toEqual(superseded);
    await turns.saveToolResult(second, succeeded('sent'));
    expect(await getEffect(database.pool, first.key)).toMatchObject({
      status: 'done',
      result: { result: 'sent' },
    });
  });

  it('that knows nothing leaves the call unknown', async () => {
    const { runId, probed } = await asked();

    expect(await turns.saveProbe(probed, { outcome: 'unknown' })).toEqual({ isUnknown: true });
    await turns.settleTool({ ...key(runId), ...TIMEOUT, isProbed: true }, hasProbe);

    expect(await getEffect(database.pool, probed.key)).toMatchObject({ status: 'unknown' });
  });

  it('whose call was closed meanwhile changes nothing', async () => {
    const { probed, first } = await asked();
    await turns.saveToolResult(first, succeeded('late but in time'));

    await expect(turns.saveProbe(probed, { outcome: 'not_done' })).rejects.toEqual(superseded);

    expect(await getEffect(database.pool, first.key)).toMatchObject({ status: 'done' });
  });
});

describe("an operator's verdict", () => {
  it('replaces what clients see, tells the model in a note before its next message, and comes before the end', async () => {
    const { agentId, runId, key } = await lost();
    const before = await eventTypes(runId);
    const told = await partOf(runId);

    await resolve(key, 'done', 'Sent at noon.');

    const { resolution, ...rest } = await partOf(runId);
    expect(rest).toEqual(told);
    expect(resolution).toEqual({ status: 'success', result: 'Sent at noon.', stdout: null, stderr: null });
    const last = before.length + 1; // the first event has number 2
    expect(before.at(-1)).toBe(`${last} run-end`);
    expect(await eventTypes(runId)).toEqual([...before.slice(0, -1), `${last} effect-resolved`, `${last + 1} run-end`]); // prettier-ignore
    const next = await opened(turns, await insertWaitingRun(database.pool, agentId));
    expect(next.settledEffects).toMatchObject([{ toolName: 'run_code', result: 'Sent at noon.' }]);
    await turns.saveReply(next, replyTo(next));
    const after = await opened(turns, await insertWaitingRun(database.pool, agentId));
    expect(after.settledEffects).toEqual([]);
    const notes = after.context.filter(({ role }) => role === 'note');
    expect(notes).toHaveLength(1);
    expect(planStep(after, { now: new Date(0), noteId: 'n', skillsNoteId: 's', folderNoteId: 'message-folders' }).newMessages.map(({ role }) => role)).toEqual(['user']); // prettier-ignore
  });

  it('changes nothing the second time, and refuses another one', async () => {
    const { runId, key } = await lost();
    const first = await resolve(key, 'not_done');
    const events = await eventTypes(runId);

    expect(await resolve(key, 'not_done')).toEqual(first);

    await expect(resolve(key, 'done')).rejects.toEqual(conflict);
    await expect(resolve(key, 'retry')).rejects.toEqual(conflict);
    expect(await eventTypes(runId)).toEqual(events);
  });

  it('is written once when two operators are at it', async () => {
    const { runId, key } = await lost();

    const verdicts = await Promise.allSettled([resolve(key, 'done'), resolve(key, 'not_done')]);

    expect(verdicts.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await eventTypes(runId)).filter((event) => event.endsWith('effect-resolved'))).toHaveLength(1);
  });

  it('is refused for a call that is known, or under way', async () => {
    const { runId } = await calling('once', 'once');
    const done = await openedTool(turns, runId);
    await turns.saveToolResult(done, succeeded('sent'));
    const running = await openedTool(turns, runId, 1);

    await expect(resolve(done.key, 'done')).rejects.toEqual(conflict);
    await expect(resolve(running.key, 'done')).rejects.toEqual(conflict);
    await expect(resolve('run-x/0/call', 'done')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('of two calls of one run keeps the end of the run last', async () => {
    const { agentId, runId } = await calling('once', 'once');
    const keys = [(await openedTool(turns, runId)).key, (await openedTool(turns, runId, 1)).key];
    await turns.closeRun({ runId, conversationId: agentId, stopReason: 'cancelled' });

    await Promise.all(keys.map((key) => resolve(key, 'done')));

    const types = (await eventTypes(runId)).map((event) => event.split(' ')[1]);
    expect(types.slice(-3)).toEqual(['effect-resolved', 'effect-resolved', 'run-end']);
  });
});

describe('a retry', () => {
  it('is the same tool run until it has ended, and its result replaces the message', async () => {
    const { runId, key } = await lost();
    const toolRuns = createToolRunStore(database.pool);

    const { effect, retry } = await resolve(key, 'retry');
    expect(effect).toMatchObject({ status: 'unknown', resolution: 'retry' });
    expect((await resolve(key, 'retry')).retry).toEqual(retry);
    const run = (await toolRuns.open(retry!.id))!;
    expect(run).toMatchObject({ wasClaimed: false, effects: 'once', call: { idempotencyKey: key, runId } });
    await toolRuns.finish(retry!.id, succeeded('sent'));
    await toolRuns.finish(retry!.id, succeeded('sent again'));

    expect(await getEffect(database.pool, key)).toMatchObject({ status: 'done', resolution: 'retry', result: { result: 'sent' } }); // prettier-ignore
    expect(await partOf(runId)).toMatchObject({ resolution: { result: 'sent' } });
    expect((await resolve(key, 'retry')).retry).toBeNull();
  });

  it('that was lost as well leaves the call unknown and free to be resolved', async () => {
    const { key } = await lost();
    const { retry } = await resolve(key, 'retry');
    const toolRuns = createToolRunStore(database.pool);
    await toolRuns.open(retry!.id);
    expect(await toolRuns.open(retry!.id)).toMatchObject({ wasClaimed: true });

    await toolRuns.giveUp(retry!.id, succeeded('unknown'));

    expect(await getEffect(database.pool, key)).toMatchObject({ status: 'unknown', resolution: null });
    expect(await resolve(key, 'done')).toMatchObject({ effect: { status: 'done' } });
  });

  it('whose API process died before the start is found', async () => {
    const { key } = await lost();
    const { retry } = await resolve(key, 'retry');
    expect(await findStrandedRetries(database.pool)).not.toContainEqual(retry);

    await rowsOf(`update tool_runs set created_at = now() - interval '1 minute' where id = $1`, retry!.id);

    expect(await findStrandedRetries(database.pool)).toContainEqual(retry);
  });

  it('of a tool that the agent lost is refused', async () => {
    const { agentId, key } = await lost();
    await rowsOf(`delete from agent_tools where agent_id = $1`, agentId);

    await expect(resolve(key, 'retry')).rejects.toEqual(conflict);

    expect(await getEffect(database.pool, key)).toMatchObject({ status: 'unknown', resolution: null });
  });
});

it('the ledger is paged by its keys without a gap', async () => {
  const { runId } = await calling('once', 'once', 'once');
  for (const index of [0, 1, 2]) await openedTool(turns, runId, index);
  const page = { limit: 2, order: 'asc', before: undefined } as const;

  const first = await listEffects(database.pool, { runId }, { ...page, after: undefined });
  const second = await listEffects(database.pool, { runId }, { ...page, after: first.at(-1)!.key });

  expect([...first, ...second].map(({ toolCallId }) => toolCallId)).toEqual([
    'call_0_0',
    'call_0_1',
    'call_0_2',
  ]);
});
