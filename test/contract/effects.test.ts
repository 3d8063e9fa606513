import { createTurnStore } from '../../db/turns';
import type { ToolRunInput } from '../../domain/tool-run';
import { newId } from '../../new-id';
import { startTestApi, type TestApi } from '../support/test-api';
import { insertAgentWithMemory, insertWaitingRun, opened, openedTool, replyTo, succeeded } from '../support/turn-rows'; // prettier-ignore
import { turnsThat } from '../support/turns-double';

let api: TestApi;
const startedTools: ToolRunInput[] = [];

beforeAll(async () => {
  api = await startTestApi({
    turns: turnsThat({ startTool: (input) => Promise.resolve(void startedTools.push(input)) }),
  });
  await insertAgentWithMemory(api.db);
  await api.db.query(`update tools set tool_type = 'custom' where name = 'run_code'`);
});
afterAll(() => api.close());

/** A run whose one call was lost in the middle, and which is over. */
async function unknownCall(): Promise<{ agentId: string; runId: string; key: string }> {
  const turns = createTurnStore(api.db);
  const { id: agentId } = await insertAgentWithMemory(api.db);
  const runId = await insertWaitingRun(api.db, agentId);
  const step = await opened(turns, runId);
  await turns.saveReply(step, replyTo(step, { calls: ['once'] }));
  const { key } = await openedTool(turns, runId);
  await turns.settleTool({ runId, step: 0, index: 0, code: 'TIMEOUT' });
  const next = await opened(turns, runId, 1);
  await turns.saveReply(next, replyTo(next));
  return { agentId, runId, key };
}

type Json = Readonly<Record<string, unknown>>;
const resolve = (key: string, body: unknown) => api.call('POST', `/v1/effects/${key}/resolve`, { body });
const toolReturn = async (agentId: string): Promise<Json | undefined> => {
  const { body } = await api.call('GET', `/v1/agents/${agentId}/messages?limit=50`);
  return (body as Json[]).find((message) => message['message_type'] === 'tool_return_message');
};
const streamOf = async (runId: string): Promise<string> =>
  (await api.call('POST', `/v1/runs/${runId}/stream`, { body: {} })).text;

it('an unknown call is listed with everything an operator needs', async () => {
  const { agentId, runId, key } = await unknownCall();

  const { status, body } = await api.call('GET', `/v1/effects?status=unknown&agent_id=${agentId}`);

  expect(status).toBe(200);
  expect(body).toEqual([
    {
      key,
      run_id: runId,
      step_id: expect.stringMatching(/^step-/),
      agent_id: agentId,
      conversation_id: agentId,
      tool_call_id: 'call_0_0',
      tool_id: expect.stringMatching(/^tool-/),
      tool_name: 'run_code',
      arguments: '{}',
      effects: 'once',
      status: 'unknown',
      attempt: 2,
      message_id: expect.stringMatching(/^message-/),
      result: { status: 'error', tool_return: expect.stringMatching(/unknown/), stdout: null, stderr: expect.any(Array) }, // prettier-ignore
      late_result: null,
      late_at: null,
      resolution: null,
      resolved_at: null,
      claimed_at: expect.stringMatching(/Z$/),
      finished_at: expect.stringMatching(/Z$/),
    },
  ]);
});

it('the ledger is filtered by status, run and tool, and paged by key', async () => {
  const { runId, key } = await unknownCall();
  const other = await unknownCall();
  const keys = async (query: string) =>
    ((await api.call('GET', `/v1/effects?${query}`)).body as Json[]).map((effect) => effect['key']);

  expect(await keys(`run_id=${runId}`)).toEqual([key]);
  expect(await keys(`run_id=${runId}&status=done`)).toEqual([]);
  expect(await keys(`run_id=${runId}&tool_name=other`)).toEqual([]);
  expect(await keys(`order=asc&after=${encodeURIComponent(key)}&limit=1`)).toEqual([other.key]);
  expect((await api.call('GET', '/v1/effects?after=run-x')).status).toBe(404);
  expect((await api.call('GET', '/v1/effects?status=maybe')).status).toBe(422);
  expect((await api.call('GET', '/v1/effects?limit=5000')).status).toBe(422);
});

it('a key is understood plain and encoded', async () => {
  const { key } = await unknownCall();

  const plain = await api.call('GET', `/v1/effects/${key}`);
  const encoded = await api.call('GET', `/v1/effects/${encodeURIComponent(key)}`);

  expect(plain.body).toMatchObject({ key });
  expect(encoded.body).toEqual(plain.body);
});

it('clients see that the outcome of a call is unknown, in lists and in streams', async () => {
  const { agentId, runId } = await unknownCall();

  expect(await toolReturn(agentId)).toMatchObject({ status: 'error', effect_status: 'unknown' });
  expect(await streamOf(runId)).toContain('"effect_status":"unknown"');
});

it('a verdict of the operator is what clients read from then on; a repeat answers the same', async () => {
  const { agentId, runId, key } = await unknownCall();
  const before = await streamOf(runId);

  const first = await resolve(encodeURIComponent(key), { resolution: 'done', result: 'Sent at noon.' });
  const again = await resolve(key, { resolution: 'done', result: 'Sent at noon.' });

  expect(first.status).toBe(200);
  expect(first.body).toMatchObject({ status: 'done', resolution: 'done', result: { status: 'success', tool_return: 'Sent at noon.' } }); // prettier-ignore
  expect(again).toMatchObject({ status: 200, body: first.body });
  const message = await toolReturn(agentId);
  expect(message).toMatchObject({ status: 'success', tool_return: 'Sent at noon.' });
  expect(message).not.toHaveProperty('effect_status');
  const after = await streamOf(runId);
  const frames = after.split('\n\n');
  const resolved = frames.filter((frame) => frame.startsWith('event: effect_resolved\n'));
  expect(resolved).toHaveLength(1);
  expect(JSON.parse(resolved[0]!.split('data: ')[1]!)).toMatchObject({
    message_type: 'effect_resolved',
    run_id: runId,
    key,
    tool_call_id: 'call_0_0',
    resolution: 'done',
    status: 'success',
  });
  expect(frames.filter((frame) => frame !== resolved[0]).join('\n\n')).toBe(before);
  expect(after.endsWith('data: [DONE]\n\n')).toBe(true);
});

it('a second, different verdict is refused for good', async () => {
  const { key } = await unknownCall();
  await resolve(key, { resolution: 'not_done' });

  const refused = await resolve(key, { resolution: 'done' });

  expect(refused.status).toBe(409);
  expect(refused.headers.get('x-should-retry')).toBe('false');
  expect(refused.body).toEqual({ detail: expect.stringContaining(key) });
});

it('a call whose outcome is known cannot be resolved', async () => {
  const turns = createTurnStore(api.db);
  const { id: agentId } = await insertAgentWithMemory(api.db);
  const runId = await insertWaitingRun(api.db, agentId);
  const step = await opened(turns, runId);
  await turns.saveReply(step, replyTo(step, { calls: ['once'] }));
  const tool = await openedTool(turns, runId);
  await turns.saveToolResult(tool, succeeded('sent'));

  expect((await resolve(tool.key, { resolution: 'done' })).status).toBe(409);
});

it('a retry starts one tool run under the key of the call, however often it is asked for', async () => {
  const { key } = await unknownCall();
  startedTools.length = 0;

  const { status, body } = await resolve(key, { resolution: 'retry' });
  await resolve(key, { resolution: 'retry' });

  expect(status).toBe(200);
  expect(body).toMatchObject({ status: 'unknown', resolution: 'retry', resolved_at: null });
  expect(new Set(startedTools.map(({ id }) => id)).size).toBe(1);
  expect(startedTools[0]).toMatchObject({ effects: 'once' });
});

it('verdicts that are none, and keys without a call, are refused', async () => {
  const { key } = await unknownCall();
  const missing = `${newId('run')}/0/call_1`;

  expect((await resolve(key, { resolution: 'perhaps' })).status).toBe(422);
  expect((await resolve(key, {})).status).toBe(422);
  expect((await resolve(key, { resolution: 'retry', result: 'x' })).status).toBe(422);
  expect((await resolve(missing, { resolution: 'done' })).status).toBe(404);
  expect((await api.call('GET', `/v1/effects/${missing}`)).status).toBe(404);
  expect((await api.call('GET', `/v1/effects/${key}`)).body).toMatchObject({ status: 'unknown' });
});

describe('what an agent says of the effects of its tools', () => {
  const toolsOf = async (agentId: string) =>
    Object.fromEntries(
      ((await api.call('GET', `/v1/agents/${agentId}/tools`)).body as Json[]).map((tool) => [
        tool['name'],
        tool['effects'],
      ]),
    );
  const setEffects = (agentId: string, name: string, effects: unknown) =>
    api.call('PATCH', `/v1/agents/${agentId}/tools/effects/${name}`, { body: { effects } });

  it('holds for this agent alone, in lists, in planned calls and until it is taken back', async () => {
    const { id: agentId } = await insertAgentWithMemory(api.db);
    const { id: other } = await insertAgentWithMemory(api.db);

    expect((await setEffects(agentId, 'run_code', 'idempotent')).status).toBe(200);

    expect((await toolsOf(agentId))['run_code']).toBe('idempotent');
    expect((await toolsOf(other))['run_code']).toBe('once');
    const step = await opened(createTurnStore(api.db), await insertWaitingRun(api.db, agentId));
    expect(step.tools.find(({ name }) => name === 'run_code')).toMatchObject({ effects: 'idempotent' });
    const { body } = await api.call('GET', `/v1/agents/${agentId}`);
    expect((body as { tools: Json[] }).tools.find((tool) => tool['name'] === 'run_code')).toMatchObject({ effects: 'idempotent' }); // prettier-ignore
    await setEffects(agentId, 'run_code', null);
    expect((await toolsOf(agentId))['run_code']).toBe('once');
  });

  it('is refused for tools that write with the ledger, for other words and for tools it does not have', async () => {
    const { id: agentId } = await insertAgentWithMemory(api.db);

    const refused = await setEffects(agentId, 'memory_insert', 'once');

    expect(refused).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/memory_insert/) } });
    expect((await toolsOf(agentId))['memory_insert']).toBe('transactional');
    expect((await setEffects(agentId, 'run_code', 'transactional')).status).toBe(422);
    expect((await setEffects(agentId, 'run_code', undefined)).status).toBe(422);
    expect((await setEffects(agentId, 'fetch_webpage', 'once')).status).toBe(404);
  });
});

it.each(['POST', 'PUT'])('a tool of a user cannot be declared transactional (%s)', async (method) => {
  const body = { source_code: 'def f(): pass', json_schema: { name: 'f' }, effects: 'transactional' };

  const { status, body: answer } = await api.call(method, '/v1/tools', { body });

  expect(status).toBe(422);
  expect(JSON.stringify(answer)).toContain("Only built-in tools can be 'transactional'");
});
