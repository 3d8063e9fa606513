import { closeAbandonedCalls } from '../../../db/mend-thread';
import type { Pool } from '../../../db/pool';
import { createTurnStore } from '../../../db/turns';
import type { MessagePart } from '../../../domain/message';
import { planStep } from '../../../domain/plan-step';
import { LOST_RESULT } from '../../../domain/whole-transcript';
import type { TurnStore } from '../../../domain/turn-store';
import { insertMessage } from '../../support/rows';
import { createTestDatabase, type TestDatabase } from '../../support/stack';
import { insertAgentWithMemory, insertWaitingRun, opened, openedTool, replyTo, succeeded } from '../../support/turn-rows'; // prettier-ignore

let database: TestDatabase;
let db: Pool;
let turns: TurnStore;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.pool;
  turns = createTurnStore(db);
});
afterAll(() => database.drop());

const call = (id: string): MessagePart => ({ type: 'tool_call', id, name: 'run_code', arguments: '{}' });
const result = (toolCallId: string): MessagePart => ({ type: 'tool_return', toolCallId, name: 'run_code', status: 'success', result: 'ok', stdout: null, stderr: null }); // prettier-ignore
const agent = async () => (await insertAgentWithMemory(db)).id;
const nextStep = async (agentId: string) => opened(turns, await insertWaitingRun(db, agentId));

/** What the model is about to read, results with their state. */
async function prompted(agentId: string) {
  const { prompt } = planStep(await nextStep(agentId), {
    now: new Date(0),
    noteId: 'message-note',
    skillsNoteId: 'message-skills',
    folderNoteId: 'message-folders',
  });
  return prompt.map((message) => (message.role === 'tool' ? message.text : message.role));
}
const results = async (agentId: string) => {
  const { rows } =
    await db.query<{ part: { toolCallId: string; result: string; effectStatus?: string }; in_context: boolean }>( // prettier-ignore
      `select parts -> 0 as part, in_context from messages where agent_id = $1 and role = 'tool' order by seq`,
      [agentId],
    );
  return rows.map(({ part, in_context }) => [part.toolCallId, part.result, part.effectStatus, in_context]);
};

/** A turn that ended by asking for a call to be approved. */
async function ask(agentId: string) {
  const runId = await insertWaitingRun(db, agentId);
  const step = await opened(turns, runId);
  const reply = replyTo(step, { calls: ['once'], stopReason: 'requires_approval' });
  const messages = reply.messages.map((each) => (each.role === 'assistant' ? { ...each, role: 'approval_request' as const } : each)); // prettier-ignore
  await turns.saveReply(step, {
    ...reply,
    messages,
    calls: reply.calls.map((each) => ({ ...each, waits: true })),
  });
  return { runId, stepId: step.stepId, messageId: reply.replyMessageId };
}
const answer = (agentId: string) =>
  insertWaitingRun(db, agentId, '', {
    request: JSON.stringify({
      messages: [],
      approvals: [{ type: 'approval', toolCallId: 'call_0_0', approve: true, reason: null }],
      overrideModel: null,
      overrideSystem: null,
    }),
  });

describe('before a model call', () => {
  it('a call without a result is closed as unknown, once, behind its call', async () => {
    const id = await agent();
    await insertMessage(db, id, { role: 'assistant', parts: [call('a'), call('b')] });
    await insertMessage(db, id, { role: 'tool', parts: [result('b')] });
    await insertMessage(db, id, { role: 'user', parts: [{ type: 'text', text: 'Well?' }] });

    const prompt = await prompted(id);
    await nextStep(id);

    expect(prompt.map((each) => each.slice(0, 10))).toEqual(['assistant', '{"status":', '{"status":', 'user', 'user']); // prettier-ignore
    expect(prompt[2]).toContain(LOST_RESULT);
    expect(await results(id)).toEqual([
      ['b', 'ok', undefined, true],
      ['a', LOST_RESULT, 'unknown', true],
    ]);
  });

  it('a result without its call is left out, and stays in the lists', async () => {
    const id = await agent();
    await insertMessage(db, id, { role: 'tool', parts: [result('gone')] });

    expect(await prompted(id)).toEqual(['user']);
    expect(await results(id)).toHaveLength(1);
  });

  it('a whole thread costs as many statements as before: one to open the step, one to read', async () => {
    const id = await agent();
    await insertMessage(db, id, { role: 'assistant', parts: [call('a')] });
    await insertMessage(db, id, { role: 'tool', parts: [result('a')] });
    const runId = await insertWaitingRun(db, id);
    const statements: unknown[] = [];
    const counted = {
      query: (statement: unknown, values: unknown) => {
        statements.push(statement);
        return (db.query as (...given: unknown[]) => unknown)(statement, values);
      },
      connect: () => {
        throw new Error('a healthy step needs no transaction');
      },
    } as unknown as Pool; // what openStep uses of it

    await createTurnStore(counted).openStep({ runId, step: 0 });

    expect(statements).toHaveLength(2);
  });

  it('a request for approval whose run was deleted is closed as not made', async () => {
    const id = await agent();
    const { runId } = await ask(id);
    await db.query('delete from runs where id = $1', [runId]);

    expect((await prompted(id)).map((each) => each.slice(0, 10))).toEqual(['user', 'assistant', '{"status":', 'user']); // prettier-ignore
    expect(await results(id)).toEqual([
      ['call_0_0', expect.stringContaining('was not made'), undefined, true],
    ]);
  });

  it('a request that was answered and whose step is gone is closed as unknown', async () => {
    const id = await agent();
    const { stepId } = await ask(id);
    await turns.answerApproval(await answer(id));
    await db.query('delete from steps where id = $1', [stepId]);
    await db.query(`update runs set status = 'failed' where agent_id = $1`, [id]);

    await nextStep(id);

    expect(await results(id)).toEqual([['call_0_0', LOST_RESULT, 'unknown', true]]);
  });

  it('a call that was approved and started in a turn that is over is closed by what the ledger knows', async () => {
    const id = await agent();
    const { runId: askedBy } = await ask(id);
    const runId = await answer(id);
    await turns.answerApproval(runId);
    await turns.openTool({ runId, askedBy, step: 0, index: 0 });
    await db.query(`update runs set status = 'failed' where agent_id = $1`, [id]);

    await nextStep(id);

    expect(await results(id)).toEqual([['call_0_0', expect.stringContaining('may or may not'), 'unknown', true]]); // prettier-ignore
    const { rows } = await db.query('select status from tool_executions where run_id = $1', [askedBy]);
    expect(rows).toEqual([]);
    const { rows: claimed } = await db.query('select status from tool_executions where run_id = $1', [runId]);
    expect(claimed).toEqual([{ status: 'unknown' }]);
  });

  it('a request that waits for its human is left alone, and refuses the turn', async () => {
    const id = await agent();
    await ask(id);

    await expect(nextStep(id)).rejects.toMatchObject({ code: 'PENDING_APPROVAL' });
    expect(await results(id)).toEqual([]);
  });

  it('calls of the turn in progress are left alone', async () => {
    const id = await agent();
    const runId = await insertWaitingRun(db, id);
    const step = await opened(turns, runId);
    await turns.saveReply(step, replyTo(step, { calls: ['once', 'once'] }));
    await turns.saveToolResult(await openedTool(turns, runId, 0), succeeded('one'));

    await closeAbandonedCalls(db, id);

    expect(await results(id)).toEqual([['call_0_0', 'one', undefined, false]]);
  });
});

it('calls that a human allowed are left alone while the turn of the answer runs them', async () => {
  const id = await agent();
  const { runId: askedBy } = await ask(id);
  const runId = await answer(id);
  await turns.answerApproval(runId);
  await turns.openTool({ runId, askedBy, step: 0, index: 0 });

  await closeAbandonedCalls(db, id);
  expect(await results(id)).toEqual([]);

  await db.query(`update runs set status = 'failed' where id = $1`, [runId]);
  await closeAbandonedCalls(db, id);
  expect(await results(id)).toEqual([
    ['call_0_0', expect.stringContaining('may or may not'), 'unknown', true],
  ]);
});

it('a run ends although the rows of its open calls are gone', async () => {
  const id = await agent();
  const runId = await insertWaitingRun(db, id);
  const step = await opened(turns, runId);
  await turns.saveReply(step, replyTo(step, { calls: ['once'] }));
  await db.query(`update steps set message_id = 'message-gone' where id = $1`, [step.stepId]);

  await turns.closeRun({ runId, conversationId: id, stopReason: 'error', code: 'INTERNAL' });

  const { rows } = await db.query('select status from runs where id = $1', [runId]);
  expect(rows).toEqual([{ status: 'failed' }]);
});
