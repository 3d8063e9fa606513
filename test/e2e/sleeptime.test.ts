import Letta from '@letta-ai/letta-client';
import { createGate } from '../support/five-steps';
import type { FakeOpenAi, FakeReply, FakeRequest } from '../support/fake-openai';
import { directiveScript } from '../support/fake-openai-script';
import { blockValue, call, runEnd } from '../support/live-api';
import { SPLIT, startLiveServer, type LiveServer } from '../support/live-server';

let server: LiveServer;
let gate = createGate();
let fake: FakeOpenAi;
let client: Letta;
let url: string;

/** A sleeper notes the lines it was handed, when the gate lets it. The model refuses `REFUSE` alone. */
async function script(request: FakeRequest): Promise<FakeReply> {
  const at = request.turns.findLastIndex(({ text }) => text.includes('<transcript>'));
  if (at === -1) return directiveScript(request);
  const after = request.turns.slice(at + 1).filter(({ role }) => role === 'assistant').length;
  if (after > 0) return { toolCalls: [{ name: 'memory_finish_edits', arguments: {} }] };
  await gate.pass();
  const lines = request.turns[at]!.text.match(/^user: .*$/gm) ?? [];
  if (lines.length === 1 && lines[0].includes('REFUSE')) return { error: { status: 400 } };
  const fact = lines.map((line) => line.slice('user: '.length)).join(', ');
  return { toolCalls: [{ name: 'memory_insert', arguments: { label: 'human', new_string: fact } }] };
}

beforeAll(async () => {
  server = await startLiveServer({ script, roles: SPLIT });
  ({ fake, url } = server);
  client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.stop());

const createAgent = async () => {
  const agent = await client.agents.create({
    name: 'Dreamer',
    model: 'openai/gpt-4.1',
    enable_sleeptime: true,
    memory_blocks: [{ label: 'human', value: 'start' }],
  });
  const group = agent.managed_group!;
  return { id: agent.id, blockId: agent.blocks[0]!.id ?? '', group };
};
const say = async (agentId: string, text: string): Promise<readonly string[] | null | undefined> =>
  (await client.agents.messages.create(agentId, { input: text })).usage.run_ids;

it('a sleeper is woken every so many turns, with what was said since, while the conversation goes on', async () => {
  const agent = await createAgent();
  const sleeper = agent.group.agent_ids[0]!;
  expect(await client.agents.retrieve(sleeper)).toMatchObject({
    name: 'Dreamer-sleeptime',
    agent_type: 'sleeptime_agent',
  });
  await call(url, 'PATCH', `/v1/groups/${agent.group.id}`, {
    manager_config: { manager_type: 'sleeptime', sleeptime_agent_frequency: 2 },
  });
  gate = createGate();

  const woken = await say(agent.id, 'one');
  expect(woken).toHaveLength(1);
  await gate.reached;
  // The sleeper is at work, and nobody waits for it.
  expect(await say(agent.id, 'two')).toBeNull();
  const second = await say(agent.id, 'three');
  expect(second).toHaveLength(1);
  gate.open();
  for (const run of [...woken!, ...second!]) {
    expect(await runEnd(url, run)).toMatchObject({ status: 'completed', stop_reason: 'tool_rule' });
  }

  expect(await blockValue(url, agent.blockId)).toBe('start\none\ntwo, three');
  // The model of the conversation is told what the sleeper changed.
  await say(agent.id, 'four');
  expect(JSON.stringify(fake.requests.at(-1)!.body)).toContain('two, three');
  expect(fake.problems).toEqual([]);
});

it('what a sleeper has not worked through because its run failed or was cancelled is handed to it the next time', async () => {
  const agent = await createAgent();
  const sleeper = agent.group.agent_ids[0]!;
  await call(url, 'PATCH', `/v1/groups/${agent.group.id}`, {
    manager_config: { manager_type: 'sleeptime', sleeptime_agent_frequency: 1 },
  });
  gate = createGate();
  gate.open();

  const failed = await say(agent.id, 'REFUSE one');
  expect(await runEnd(url, failed![0]!)).toMatchObject({ status: 'failed' });
  gate = createGate();
  const cancelled = await say(agent.id, 'two');
  await gate.reached;
  await call(url, 'POST', `/v1/agents/${sleeper}/messages/cancel`, { run_ids: cancelled });
  expect(await runEnd(url, cancelled![0]!)).toMatchObject({ status: 'cancelled' });
  gate.open();
  for (const text of ['three', 'four']) {
    const woken = await say(agent.id, text);
    expect(await runEnd(url, woken![0]!)).toMatchObject({ status: 'completed' });
  }

  expect(await blockValue(url, agent.blockId)).toBe('start\nREFUSE one, two, three\nfour');
});

it('a sleeper whose worker dies goes on, and edits once', async () => {
  const agent = await createAgent();
  gate = createGate();
  const woken = await say(agent.id, 'one');
  await gate.reached;

  await server.worker.kill('SIGKILL');
  gate.open();
  await server.start('worker');

  expect(await runEnd(url, woken![0]!)).toMatchObject({ status: 'completed' });
  expect(await blockValue(url, agent.blockId)).toBe('start\none');
});

it('an agent with a sleeper speaks by its tool, and takes its sleeper along when it is deleted', async () => {
  const agent = await createAgent();
  gate = createGate();
  gate.open();

  const answer = await client.agents.messages.create(agent.id, {
    input: 'CALL send_message {"message":"Hi."}',
  });

  expect(answer.messages).toMatchObject([{ message_type: 'assistant_message', content: 'Hi.' }]);
  await runEnd(url, answer.usage.run_ids![0]!);
  await client.agents.delete(agent.id);
  await expect(client.agents.retrieve(agent.group.agent_ids[0]!)).rejects.toMatchObject({ status: 404 });
  const page = await call<unknown[]>(url, 'GET', `/v1/groups/`);
  expect(JSON.stringify(page)).not.toContain(agent.group.id);
});
