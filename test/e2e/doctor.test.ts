import Letta from '@letta-ai/letta-client';
import { LOST_RESULT } from '../../domain/whole-transcript';
import { newId } from '../../new-id';
import { codesOf, examine, repair } from '../support/doctor-visit';
import type { FakeOpenAi } from '../support/fake-openai';
import { call } from '../support/live-api';
import { insertMessage, insertStep } from '../support/rows';
import { startLiveServer, type LiveServer } from '../support/live-server';
import type { TestDatabase } from '../support/stack';
import { until } from '../support/started';

// An agent is damaged with SQL, repaired over the API, and answers the next message through the unmodified SDK.

let database: TestDatabase;
let fake: FakeOpenAi;
let server: LiveServer;
let client: Letta;
let url: string;

beforeAll(async () => {
  server = await startLiveServer({
    env: { TEST_TOOL_LIMIT_MS: '1500' },
    program: 'test/support/serve-poison-tools.ts',
  });
  ({ database, fake, url } = server);
  client = new Letta({ baseURL: url, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => server.stop());
afterEach(() => {
  expect(fake.problems).toEqual([]);
});

const ASKS = { tool_rules: [{ type: 'requires_approval', tool_name: 'fine' } as const] };

async function agentWith(options: Partial<Letta.AgentCreateParams> = {}): Promise<string> {
  const { id } = await client.agents.create({
    model: 'openai/gpt-4.1',
    model_settings: { provider_type: 'openai', parallel_tool_calls: true },
    memory_blocks: [{ label: 'notes', value: 'nothing yet' }],
    tools: ['fine', 'flood', 'hang_read', 'hang_once'],
    include_base_tools: false,
    ...options,
  });
  return id;
}
const say = (agentId: string, content: string) =>
  client.agents.messages.create(agentId, { messages: [{ role: 'user', content }] });
const sql = async <T>(text: string, ...values: readonly unknown[]): Promise<T[]> =>
  (await database.pool.query(text, [...values])).rows as T[]; // each query's own columns

/** The repair says what it did, a second one finds nothing to do, and the agent answers. */
async function isRepaired(agentId: string, code: string, count = 1): Promise<void> {
  const found = (await examine(url, agentId)).findings;
  expect(found.map((each) => [each.code, each.repairable, each.repaired])).toEqual(Array(count).fill([code, true, false])); // prettier-ignore

  const repaired = await repair(url, agentId);
  expect(repaired.findings).toEqual(found.map((each) => ({ ...each, repaired: true })));
  expect(repaired.is_healthy).toBe(true);
  expect((await repair(url, agentId)).findings).toEqual([]);
  await answers(agentId);
  expect((await examine(url, agentId)).findings).toEqual([]);
}
async function answers(agentId: string): Promise<void> {
  const next = await say(agentId, 'SAY still here');
  expect(next.messages.at(-1)).toMatchObject({ content: 'still here' });
}
const resultsRead = () =>
  (fake.requests.at(-1)!.body['messages'] as { role: string; content: string }[]).filter(({ role }) => role === 'tool'); // prettier-ignore

it('a healthy agent has nothing to repair', async () => {
  const agentId = await agentWith();
  await say(agentId, 'CALL fine {}');

  expect(await repair(url, agentId)).toMatchObject({ agent_id: agentId, is_healthy: true, findings: [] });
});

it('a call whose result was deleted is closed as unknown', async () => {
  const agentId = await agentWith();
  await say(agentId, 'CALL fine {}');
  await sql(`delete from messages where agent_id = $1 and role = 'tool'`, agentId);

  await isRepaired(agentId, 'orphaned_tool_call');

  expect(resultsRead()).toEqual([expect.objectContaining({ content: expect.stringContaining(LOST_RESULT) })]);
  const results = await sql(`select id from messages where agent_id = $1 and role = 'tool'`, agentId);
  expect(results).toHaveLength(1);
});

it('without a repair by hand the next message repairs the thread by itself', async () => {
  const agentId = await agentWith();
  await say(agentId, 'CALL fine {}\nCALL fine {}');
  await sql(`delete from messages where agent_id = $1 and role = 'tool'`, agentId);

  await answers(agentId);

  expect(resultsRead()).toHaveLength(2);
  expect((await examine(url, agentId)).findings).toEqual([]);
});

it('a result whose call was deleted is taken out of the context, and stays in the lists', async () => {
  const agentId = await agentWith();
  await say(agentId, 'CALL fine {}');
  await sql(`delete from messages where agent_id = $1 and role = 'assistant' and parts @> '[{"type": "tool_call"}]'`, agentId); // prettier-ignore

  await isRepaired(agentId, 'orphaned_tool_return');

  expect(resultsRead()).toEqual([]);
  const listed = (await client.agents.messages.list(agentId)).getPaginatedItems();
  expect(listed.map((message) => message.message_type)).toContain('tool_return_message');
});

it('calls that a turn has left open are closed, and the model reads them', async () => {
  const agentId = await agentWith();
  await say(agentId, 'CALL fine {}\nCALL fine {}');
  await sql(`delete from messages where agent_id = $1 and role = 'tool'`, agentId);
  await sql(`update messages set in_context = false where agent_id = $1 and parts @> '[{"type": "tool_call"}]'`, agentId); // prettier-ignore

  await isRepaired(agentId, 'abandoned_tool_call', 2);

  expect(resultsRead()).toHaveLength(2);
});

it('a request for approval whose run was deleted is closed as not made', async () => {
  const agentId = await agentWith(ASKS);
  const asked = await say(agentId, 'CALL fine {}');
  expect(asked.stop_reason.stop_reason).toBe('requires_approval');
  await client.delete(`/v1/runs/${asked.messages.at(-1)!.run_id!}`);

  await isRepaired(agentId, 'orphaned_approval_request');

  expect(resultsRead()[0]!.content).toContain('was not made');
});

it('a request for approval whose tool was detached is closed as not made', async () => {
  const agentId = await agentWith(ASKS);
  await say(agentId, 'CALL fine {}');
  await detach(agentId, 'fine');
  await expect(say(agentId, 'Hello?')).rejects.toMatchObject({ status: 409 });

  await isRepaired(agentId, 'approval_without_tool');

  expect(resultsRead()[0]!.content).toContain('was not made');
});

it('a request that can partly be answered is left to its human', async () => {
  const rules = ['fine', 'flood'].map((tool_name) => ({ type: 'requires_approval', tool_name }) as const);
  const agentId = await agentWith({ tool_rules: rules });
  const asked = await say(agentId, 'CALL fine {}\nCALL flood {}');
  await detach(agentId, 'flood');

  const visit = await repair(url, agentId);

  expect(visit).toMatchObject({ is_healthy: false, findings: [{ code: 'approval_partly_without_tool', repairable: false, repaired: false }] }); // prettier-ignore
  const request = asked.messages.at(-1) as unknown as { tool_calls: { tool_call_id: string }[] };
  const approvals = request.tool_calls.map(({ tool_call_id }) => ({ type: 'approval' as const, approve: true, tool_call_id })); // prettier-ignore
  await client.agents.messages.create(agentId, { messages: [{ type: 'approval', approvals }] });
  await answers(agentId);
  expect((await examine(url, agentId)).findings).toEqual([]);
});

it('an answer to no request is set aside', async () => {
  const agentId = await agentWith();
  await say(agentId, 'Hi');
  await insertMessage(database.pool, agentId, {
    role: 'approval_response',
    parts: [{ type: 'approval', toolCallId: 'call_gone', approve: true, reason: null }],
  });

  await isRepaired(agentId, 'orphaned_approval_answer');
});

it('a step that is open under a run that is over is closed', async () => {
  const agentId = await agentWith();
  await say(agentId, 'Hi');
  const [run] = await sql<{ id: string }>('select id from runs where agent_id = $1', agentId);
  const stepId = await insertStep(database.pool, run!.id, agentId, { index: 7, status: 'pending' });

  await isRepaired(agentId, 'step_of_finished_run');

  expect(await sql('select status, attempt from steps where id = $1', stepId)).toEqual([{ status: 'failed', attempt: 2 }]); // prettier-ignore
});

it('a system message that was deleted is compiled anew and put first', async () => {
  const folder = await client.folders.create({ name: 'drawer' });
  const agentId = await agentWith({ folder_ids: [folder.id] });
  await say(agentId, 'Hi');
  await sql(`delete from messages where agent_id = $1 and role = 'system'`, agentId);

  await isRepaired(agentId, 'missing_system_message');

  const [first] = fake.requests.at(-1)!.body['messages'] as { role: string; content: string }[];
  expect(first).toMatchObject({ role: 'system', content: expect.stringContaining('nothing yet') });
  expect(first!.content).toContain('<directory name="drawer">');
});

it('a block that is gone leaves the system message', async () => {
  const agentId = await agentWith({ memory_blocks: [{ label: 'notes', value: 'old news', description: 'What happens.' }, { label: 'kept', value: 'good' }] }); // prettier-ignore
  const { id } = await client.agents.blocks.retrieve('notes', { agent_id: agentId });
  await client.blocks.delete(id);
  expect(await examine(url, agentId)).toMatchObject({ is_healthy: true, findings: [{ severity: 'info', facts: { label: 'notes' } }] }); // prettier-ignore

  await isRepaired(agentId, 'missing_block');

  const sent = fake.requests.at(-1)!.raw.toString();
  expect(sent).not.toContain('old news');
  expect(sent).toContain('good');
});

it('memory tools without a block are reported', async () => {
  const agentId = await agentWith({ memory_blocks: [], tools: ['memory_insert'] });

  expect(await repair(url, agentId)).toMatchObject({
    is_healthy: false,
    findings: [
      { code: 'memory_tools_without_block', repairable: false, facts: { tool_names: ['memory_insert'] } },
    ],
  });
  await answers(agentId);
});

it('a call whose outcome is unknown is reported until an operator settles it', async () => {
  const agentId = await agentWith();
  await say(agentId, 'CALL hang_once {}');

  const { findings } = await repair(url, agentId);

  expect(findings).toMatchObject([{ code: 'unknown_effect', repairable: false, repaired: false, tool_call_id: expect.any(String) }]); // prettier-ignore
  await call(url, 'POST', `/v1/effects/${String(findings[0]!.facts['key'])}/resolve`, {
    resolution: 'not_done',
  });
  expect((await examine(url, agentId)).findings).toEqual([]);
  await answers(agentId);
});

it('repairs while a turn is in progress leave that turn alone', async () => {
  const agentId = await agentWith();
  await say(agentId, 'CALL fine {}');
  await sql(`delete from messages where agent_id = $1 and role = 'tool'`, agentId);
  const run = await client.agents.messages.createAsync(agentId, { messages: [{ role: 'user', content: 'CALL hang_read {}\nCALL fine {}' }] }); // prettier-ignore
  const found = new Set<string>();

  await until(
    async () => {
      for (const code of codesOf(await repair(url, agentId))) found.add(code);
      return (await client.runs.retrieve(run.id)).status === 'completed';
    },
    30_000,
    () => 'the turn never ended',
  );

  expect([...found].filter((code) => code !== 'orphaned_tool_call')).toEqual([]);
  expect(resultsRead().map(({ content }) => content.includes(LOST_RESULT))).toEqual([true, false, false]);
  expect((await examine(url, agentId)).findings).toEqual([]);
});

it('an agent that is not there is not found', async () => {
  const missing = newId('agent');

  for (const method of ['GET', 'POST']) {
    const response = await fetch(`${url}/v1/agents/${missing}/doctor`, { method });
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ detail: `Agent with ID ${missing} not found` });
  }
  expect((await fetch(`${url}/v1/agents/agent-1/doctor`)).status).toBe(422);
});

async function detach(agentId: string, name: string): Promise<void> {
  const [tool] = await sql<{ id: string }>('select id from tools where name = $1', name);
  await client.agents.tools.detach(tool!.id, { agent_id: agentId });
}
