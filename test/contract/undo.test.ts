import { createToolRunStore } from '../../db/tool-runs';
import { createTurnStore } from '../../db/turns';
import type { ToolOutcome } from '../../domain/tool';
import { newId } from '../../new-id';
import { startTestApi, type TestApi } from '../support/test-api';
import { insertAgentWithMemory, insertWaitingRun, opened, openedTool, replyTo, succeeded } from '../support/turn-rows'; // prettier-ignore
import { turnsThat } from '../support/turns-double';

type Json = Readonly<Record<string, any>>; // eslint-disable-line @typescript-eslint/no-explicit-any
let api: TestApi;
const asked: string[] = [];

beforeAll(async () => {
  api = await startTestApi({
    turns: turnsThat({
      isHeld: () => Promise.resolve(false),
      startUndo: (runId) => Promise.resolve(void asked.push(runId)),
    }),
  });
  await insertAgentWithMemory(api.db);
  await api.db.query(`update tools set tool_type = 'custom' where name = 'run_code'`);
});
afterAll(() => api.close());

const tool = (name: string, fields: Json = {}) =>
  api.call('POST', '/v1/tools/', {
    body: { source_code: 'x', json_schema: { name, description: 'd', parameters: {} }, ...fields },
  });
const undoOf = async (runId: string, method = 'GET'): Promise<Json> =>
  (await api.call(method, `/v1/runs/${runId}/undo`)).body as Json;
const states = (plan: Json): string[] => plan['calls'].map((call: Json) => call['state']);

/** A run that is over, with two calls of run_code, whose undo tool is `uncode`. */
async function doneRun(): Promise<{ agentId: string; runId: string }> {
  await tool('uncode', { effects: 'idempotent' });
  await api.db.query(`update tools set undo = 'uncode' where name = 'run_code'`);
  const turns = createTurnStore(api.db);
  const { id: agentId } = await insertAgentWithMemory(api.db);
  const runId = await insertWaitingRun(api.db, agentId);
  const step = await opened(turns, runId);
  await turns.saveReply(step, replyTo(step, { calls: ['once', 'once'] }));
  for (const index of [0, 1]) {
    await turns.saveToolResult(await openedTool(turns, runId, index), succeeded(`result ${index}`));
  }
  const last = await opened(turns, runId, 1);
  await turns.saveReply(last, replyTo(last));
  return { agentId, runId };
}
/** Does what the workflow does: the next undo, with this outcome. */
async function undoNext(runId: string, outcome: ToolOutcome): Promise<string | null> {
  const store = createToolRunStore(api.db);
  const next = await store.nextUndo(runId);
  if (!next) return null;
  expect(await store.nextUndo(runId)).toEqual(next);
  const run = await store.open(next.id);
  await store.finish(next.id, outcome);
  return run && 'call' in run ? run.call.idempotencyKey : null;
}

it('a tool names its undo, at creation, by an update, and no longer', async () => {
  await tool('cancel_booking');
  const { body } = await tool('book', { undo: 'cancel_booking' });
  const { id, undo } = body as Json;
  expect(undo).toBe('cancel_booking');

  const patch = async (fields: Json) =>
    (await api.call('PATCH', `/v1/tools/${String(id)}`, { body: fields })).body as Json;
  expect(await patch({ undo: '' })).not.toHaveProperty('undo');
  expect(await patch({ undo: 'book' })).toMatchObject({ undo: 'book' });
  expect(await patch({ undo: null })).toMatchObject({ undo: 'book' });
});

it('an undo that does not exist is refused and nothing is stored', async () => {
  const { status, body } = await tool('ship', { undo: 'nope' });

  expect([status, (body as Json)['detail']]).toEqual([400, expect.stringMatching(/no tool named 'nope'/)]);
  expect(await api.db.query(`select from tools where name = 'ship'`)).toMatchObject({ rowCount: 0 });
});

it('a preview says newest first what can be undone, and changes nothing', async () => {
  const { runId } = await doneRun();

  const plan = await undoOf(runId);

  expect(plan).toMatchObject({ run_id: runId, status: 'idle', requested_at: null });
  expect(plan['calls']).toMatchObject([
    { tool_name: 'run_code', result: 'result 1', undo_tool: 'uncode', state: 'undoable', reason: null },
    { tool_name: 'run_code', result: 'result 0', undo_tool: 'uncode', state: 'undoable', reason: null },
  ]);
  expect(asked).not.toContain(runId);
});

it('each call is undone once, newest first, under a key of its own, and the model hears of it', async () => {
  const { agentId, runId } = await doneRun();
  const [newest, oldest] = ((await undoOf(runId))['calls'] as Json[]).map(({ key }) => `${String(key)}/undo`);

  expect(await undoOf(runId, 'POST')).toMatchObject({ status: 'undoing' });
  await undoOf(runId, 'POST');
  expect(await undoNext(runId, succeeded('taken back'))).toBe(newest);
  expect(states(await undoOf(runId))).toEqual(['undone', 'undoable']);
  expect(await undoNext(runId, succeeded('taken back'))).toBe(oldest);
  expect(await undoNext(runId, succeeded('never'))).toBeNull();

  const plan = await undoOf(runId);
  expect(plan['status']).toBe('idle');
  expect(plan['calls'][0]).toMatchObject({
    state: 'undone',
    undo_result: 'taken back',
    undone_at: expect.any(String),
  });
  expect(await undoOf(runId, 'POST')).toMatchObject({ status: 'idle' });
  expect(await api.db.query(`select from tool_runs where agent_id = $1`, [agentId])).toMatchObject({
    rowCount: 2,
  });

  const step = await opened(createTurnStore(api.db), await insertWaitingRun(api.db, agentId));
  expect(step.settledEffects).toMatchObject([{ isUndone: true, result: 'taken back' }, { isUndone: true }]);
});

it('an undo that fails stops those before it, and is tried again when somebody asks again', async () => {
  const { runId } = await doneRun();
  await undoOf(runId, 'POST');

  await undoNext(runId, { ...succeeded('too late'), status: 'error' });
  expect(await undoNext(runId, succeeded('never'))).toBeNull();
  const plan = await undoOf(runId);
  expect(states(plan)).toEqual(['undo_failed', 'undoable']);
  expect(plan['calls'][0]).toMatchObject({ reason: 'too late' });

  await undoOf(runId, 'POST');
  await undoNext(runId, succeeded('ok'));
  await undoNext(runId, succeeded('ok'));
  expect(states(await undoOf(runId))).toEqual(['undone', 'undone']);
});

it('an undo whose outcome is unknown is not repeated', async () => {
  const { runId } = await doneRun();
  await undoOf(runId, 'POST');
  const store = createToolRunStore(api.db);
  const next = await store.nextUndo(runId);
  await store.giveUp(next!.id, { ...succeeded('lost'), status: 'error' }, { isUnknown: true });

  expect(await store.nextUndo(runId)).toBeNull();
  await undoOf(runId, 'POST');
  await undoNext(runId, succeeded('ok'));

  expect(states(await undoOf(runId))).toEqual(['undo_unknown', 'undone']);
});

it('a call without an undo, one that failed and one whose outcome is unknown are left alone and say why', async () => {
  const { runId } = await doneRun();
  await api.db.query(`update tools set undo = null where name = 'run_code'`);
  expect(states(await undoOf(runId, 'POST'))).toEqual(['no_undo_tool', 'no_undo_tool']);
  expect((await undoOf(runId))['calls'][0]['reason']).toMatch(/names no `undo` tool/);

  await api.db.query(`update tools set undo = 'uncode' where name = 'run_code'`);
  await api.db.query(`update tool_executions set status = 'unknown' where run_id = $1 and call_index = 1`, [
    runId,
  ]);
  expect(states(await undoOf(runId))).toEqual(['outcome_unknown', 'undoable']);
});

it('a run under way cannot be undone, and one that does not exist is not found', async () => {
  const { id } = await insertAgentWithMemory(api.db);
  const runId = await insertWaitingRun(api.db, id);

  expect(await api.call('POST', `/v1/runs/${runId}/undo`)).toMatchObject({ status: 409 });
  expect(await api.call('GET', `/v1/runs/${newId('run')}/undo`)).toMatchObject({ status: 404 });
  expect(await api.call('GET', '/v1/runs/nope/undo')).toMatchObject({ status: 400 });
});
