import { createAgentCallStore } from '../../../db/agent-calls';
import { attachTools } from '../../../db/agent-attachments';
import { requestCancel } from '../../../db/mint-run';
import { ensureBuiltinTools, findToolsByName } from '../../../db/tools';
import { createTurnStore } from '../../../db/turns';
import type { AgentMessage } from '../../../domain/agent-calls';
import { builtinTools } from '../../../tools/registry';
import { createTestDatabase, type TestDatabase } from '../../support/stack';
import { insertAgent } from '../../support/rows';
import { insertWaitingRun, opened, openedTool, replyTo } from '../../support/turn-rows';

const ASK = 'send_message_to_agent_and_wait_for_reply';
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await ensureBuiltinTools(database.pool, builtinTools);
});
afterAll(() => database.drop());

const stores = () => ({ turns: createTurnStore(database.pool), calls: createAgentCallStore(database.pool) });

/** A turn of a fresh agent that has called ASK, and the agent it is for. */
async function calling() {
  const { turns, calls } = stores();
  const [asker, asked] = [await insertAgent(database.pool), await insertAgent(database.pool)];
  const [tool] = await findToolsByName(database.pool, [ASK]);
  await attachTools(database.pool, asker, [tool!.id]);
  const runId = await insertWaitingRun(database.pool, asker);
  const step = await opened(turns, runId);
  const reply = replyTo(step, { calls: ['transactional'] });
  await turns.saveReply(step, { ...reply, calls: [{ ...reply.calls[0]!, asksAgents: true }] });
  return { asker, asked, runId, tool: await openedTool(turns, runId), turns, calls };
}
const to = (agentId: string, waits = true): AgentMessage => ({ text: 'Hi', to: { agentId }, waits });
const count = async (sql: string, value: string): Promise<number> =>
  (await database.pool.query<{ n: number }>(`select count(*)::int as n ${sql}`, [value])).rows[0]!.n;

it('a message that is sent again is the same run', async () => {
  const { asked, tool, calls } = await calling();

  const both = await Promise.all([calls.send(tool, to(asked)), calls.send(tool, to(asked))]);

  expect(both[0]).toEqual(both[1]);
  expect(await count('from runs where agent_id = $1', asked)).toBe(1);
});

it('a message nobody waits for and its result are stored together, and its run is known afterwards', async () => {
  const { asked, runId, tool, calls, turns } = await calling();

  const sent = await calls.send(tool, to(asked, false));

  expect(sent.done).toEqual({});
  expect(await turns.openTool({ runId, step: 0, index: 0 })).toEqual({ done: {} });
  expect(await calls.unfinished({ runId, step: 0, index: 0 })).toEqual(sent.turns);
});

it('a call that cannot be made leaves nothing behind', async () => {
  const { asked, asker, tool, calls } = await calling();
  await database.pool.query(`delete from agents where id = $1`, [asked]);

  await expect(calls.send(tool, to(asked))).rejects.toThrow(/There is no agent/);
  await expect(calls.send(tool, to(asker))).rejects.toThrow(/your own id/);

  expect(await count('from agent_calls where caller_run_id = $1', tool.runId)).toBe(0);
});

it('a turn that was cancelled sends nothing any more, and one that sent before stops what it waits for', async () => {
  const late = await calling();
  await requestCancel(database.pool, late.asker, null);
  await expect(late.calls.send(late.tool, to(late.asked))).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await count('from runs where agent_id = $1', late.asked)).toBe(0);

  const { asked, asker, runId, tool, calls } = await calling();
  const { turns: sent } = await calls.send(tool, to(asked));
  await requestCancel(database.pool, asker, null);
  const stopped = await calls.cancel({ runId, step: 0, index: 0 });

  expect(stopped).toEqual([{ runId: sent[0]!.runId, conversationId: asked }]);
  expect(await count(`from runs where agent_id = $1 and status = 'cancelled'`, asked)).toBe(1);
});

it('the end of a run names the conversation that waits for it, and only that one', async () => {
  const { asked, asker, tool, calls, turns } = await calling();
  const { turns: sent } = await calls.send(tool, to(asked));
  const step = await opened(turns, sent[0]!.runId);

  const answered = await turns.saveReply(step, replyTo(step, { text: 'Yes.' }));

  expect(answered.end).toMatchObject({ stopReason: 'end_turn', caller: asker });
  expect(await calls.replies({ runId: tool.runId, step: 0, index: 0 })).toMatchObject({ status: 'success' });
  // A repeat, after a crash, names it again.
  const again = await turns.closeRun({ runId: sent[0]!.runId, conversationId: asked, stopReason: 'error' });
  expect(again).toMatchObject({ caller: asker });
});

it('an answer that does not come in time is said to be on its way', async () => {
  const { asked, tool, calls } = await calling();
  await calls.send(tool, to(asked));
  const key = { runId: tool.runId, step: 0, index: 0 };

  expect(await calls.replies(key)).toBeNull();
  const outcome = await calls.replies({ ...key, isLast: true });

  expect(outcome!.result).toContain("'status': 'still_working'");
});

it('a deleted agent is gone', async () => {
  const { asked, tool, calls } = await calling();
  await calls.send(tool, to(asked));
  await database.pool.query(`delete from agents where id = $1`, [asked]);

  const outcome = await calls.replies({ runId: tool.runId, step: 0, index: 0 });

  expect(outcome!.result).toContain("'status': 'gone'");
});
