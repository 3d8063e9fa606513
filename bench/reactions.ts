import { openPost, patch, post } from './http';
import { type Quantiles, quantilesOf } from './load';
import type { BenchStack } from './stack';
import { createAgent } from './turns';

/** How long people wait for what they told a turn. */
export interface Reactions {
  /** A cancel while the model is asked, until the stream of the turn has ended. */
  readonly cancel: Quantiles;
  /** A call is approved, until the turn has its reply. */
  readonly approval: Quantiles;
}

const ROUNDS = 20;

export async function measureReactions({ api }: BenchStack): Promise<Reactions> {
  const agentId = await createAgent(api);
  const cancel = await timeRounds(() => timeCancel(api, agentId));
  const approved = await createAgent(api);
  await patch(`${api}/v1/agents/${approved}/tools/approval/memory_rethink`, { requires_approval: true });
  return { cancel, approval: await timeRounds(() => timeApproval(api, approved)) };
}

async function timeRounds(round: () => Promise<number>): Promise<Quantiles> {
  const times: number[] = [];
  for (let n = 0; n < ROUNDS; n++) times.push(await round());
  return quantilesOf(times);
}

async function timeCancel(api: string, agentId: string): Promise<number> {
  const route = `${api}/v1/agents/${agentId}/messages`;
  const input = 'CALL conversation_search {"query":"anything"}\nTHEN\nDELAY 60000';
  const answer = await openPost(route, { input, streaming: true, stream_tokens: true });
  let text = '';
  let cancelledAt = 0;
  for await (const chunk of answer) {
    text += String(chunk);
    if (cancelledAt === 0 && text.includes('tool_return_message')) {
      cancelledAt = performance.now();
      await post(`${route}/cancel`, {});
    }
  }
  if (!text.includes('"cancelled"')) throw new Error(`the turn was not cancelled: ${text.slice(-200)}`);
  return performance.now() - cancelledAt;
}

async function timeApproval(api: string, agentId: string): Promise<number> {
  const route = `${api}/v1/agents/${agentId}/messages`;
  const call = 'CALL memory_rethink {"label":"human","new_memory":"Name: Ada."}';
  const asked = await post(route, { input: `${call}\nTHEN\nSAY Done.` });
  const request = (
    asked['messages'] as { id: string; message_type: string; tool_call?: { tool_call_id: string } }[]
  ).find(({ message_type: type }) => type === 'approval_request_message');
  if (!request) throw new Error(`no approval was asked for: ${JSON.stringify(asked).slice(0, 300)}`);
  const approvals = [{ type: 'approval', tool_call_id: request.tool_call?.tool_call_id, approve: true }];
  const startedAt = performance.now();
  const answer = await post(route, { messages: [{ type: 'approval', approvals }] });
  if (!JSON.stringify(answer).includes('Done.')) throw new Error('the turn did not go on');
  return performance.now() - startedAt;
}
