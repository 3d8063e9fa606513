import type { Pool } from '../../../db/pool';
import { createTurnStore } from '../../../db/turns';
import type { ApprovalExpiry } from '../../../domain/approval';
import type { PlannedCall } from '../../../domain/turn';
import type { TurnStore } from '../../../domain/turn-store';
import { createTestDatabase, type TestDatabase } from '../../support/stack';
import { insertAgentWithMemory, insertWaitingRun, opened, replyTo } from '../../support/turn-rows';

let database: TestDatabase;
let db: Pool;
let turns: TurnStore;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.pool;
  turns = createTurnStore(db);
});
afterAll(() => database.drop());

/** A turn that ended by asking for one memory edit; returns the run and the message that asks. */
async function ask(agentId: string, facts: Partial<PlannedCall> = {}) {
  const runId = await insertWaitingRun(db, agentId);
  const step = await opened(turns, runId);
  const reply = replyTo(step, { calls: ['transactional'], stopReason: 'requires_approval' });
  const outcome = await turns.saveReply(step, {
    ...reply,
    messages: reply.messages.map((message) =>
      message.role === 'assistant' ? { ...message, role: 'approval_request' } : message,
    ),
    calls: reply.calls.map((call) => ({ ...call, waits: true, ...facts })),
  });
  return { runId, messageId: reply.replyMessageId, outcome };
}
const DENY: ApprovalExpiry = { action: 'deny', afterSeconds: 60 };
const askedAgent = async (facts: Partial<PlannedCall> = {}) => {
  const { id } = await insertAgentWithMemory(db);
  return { agentId: id, ...(await ask(id, facts)) };
};
const answering = (agentId: string, toolCallId: string, messages: readonly object[] = []) =>
  insertWaitingRun(db, agentId, '', {
    request: JSON.stringify({
      messages,
      approvals: [{ type: 'approval', toolCallId, approve: false, reason: 'no' }],
      overrideModel: null,
      overrideSystem: null,
    }),
  });
const statusOf = async (messageId: string) => {
  const { rows } = await db.query<{ status: string }>(`select status from approvals where message_id = $1`, [
    messageId,
  ]);
  return rows[0]?.status;
};

it('of two answers the first counts; the second one ends its run, or goes on with the messages it brought', async () => {
  const { agentId, messageId } = await askedAgent();
  const message = { id: 'message-1', role: 'user', parts: [], name: null, otid: null, senderId: null };
  const [first, second, third] = [
    await answering(agentId, 'call_0_0'),
    await answering(agentId, 'call_0_0'),
    await answering(agentId, 'call_0_0', [message]),
  ];

  expect(await turns.answerApproval(first)).toMatchObject({ calls: [{ index: 0 }] });
  expect(await turns.answerApproval(second)).toMatchObject({ end: { stopReason: 'end_turn' } });
  expect(await turns.answerApproval(third)).toMatchObject({ calls: [] });
  expect(await statusOf(messageId)).toBe('answered');
});

it('an answer to an earlier request leaves the request of today waiting', async () => {
  const { agentId, messageId } = await askedAgent();
  const run = await answering(agentId, 'call_of_yesterday');

  expect(await turns.answerApproval(run)).toMatchObject({ end: { stopReason: 'requires_approval' } });

  expect(await statusOf(messageId)).toBe('pending');
});

it('a request whose calls have a policy says when it expires, also to an attempt that asks again', async () => {
  const { runId, messageId, outcome } = await askedAgent({ expiry: DENY });

  const end = { stopReason: 'requires_approval', expiry: { messageId, afterSeconds: 60 } };
  expect(outcome).toMatchObject({ end });
  expect(await turns.openStep({ runId, step: 0 })).toMatchObject({ stored: { end } });
  expect((await askedAgent()).outcome.end).not.toHaveProperty('expiry');
});

it('an expired request is answered by one run, however often its timer fires', async () => {
  const { agentId, messageId } = await askedAgent({ expiry: DENY });

  const turn = await turns.expireApproval(messageId);
  expect(turn).toMatchObject({ agentId, conversationId: agentId, isAnswer: true });
  expect(await turns.expireApproval(messageId)).toEqual(turn);
  await turns.answerApproval(turn!.runId);

  expect(await statusOf(messageId)).toBe('expired');
  expect(await turns.expireApproval(messageId)).toBeNull();
  const { rows } = await db.query(`select parts -> 0 ->> 'result' as result from messages where run_id = $1 and role = 'tool'`, [turn!.runId]); // prettier-ignore
  expect(rows).toEqual([
    { result: 'Error: request to call tool denied. User reason: nobody answered in time' },
  ]);
});

it('nothing expires where a human has answered or the agent is gone', async () => {
  const answered = await askedAgent({ expiry: DENY });
  await turns.answerApproval(await answering(answered.agentId, 'call_0_0'));
  const deleted = await askedAgent({ expiry: DENY });
  await db.query('delete from agents where id = $1', [deleted.agentId]);

  expect(await turns.expireApproval(answered.messageId)).toBeNull();
  expect(await turns.expireApproval(deleted.messageId)).toBeNull();
});
