import { sampleBody } from '../support/letta-samples';
import { insertAgent, insertRun, insertStep } from '../support/rows';
import { startTestApi, type TestApi } from '../support/test-api';

const NOBODY = 'agent-00000000-0000-4000-8000-000000000000';
const TABLES = ['agents', 'blocks', 'tools', 'conversations', 'runs', 'messages', 'steps', 'run_events'];
const ZEROS = '00000000-0000-4000-8000-000000000000';

let api: TestApi;
let agent: string;
let step: string;
beforeAll(async () => {
  api = await startTestApi();
  agent = await insertAgent(api.db);
  step = await insertStep(api.db, await insertRun(api.db, agent), agent);
});
afterAll(() => api.close());

async function rowCounts(): Promise<Record<string, number>> {
  const counts = TABLES.map((table) => `(select count(*)::int from ${table}) as ${table}`);
  const { rows } = await api.db.query<Record<string, number>>(`select ${counts.join(', ')}`);
  return rows[0] ?? {};
}

const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
const fill = (path: string): string => path.replace('{agent}', agent).replace('{step}', step);
const MESSAGES = '/v1/agents/{agent}/messages';

// method, path, body (a string is sent as it is), accepted statuses
const BAD: readonly (readonly [string, string, unknown, number])[] = [
  ['POST', MESSAGES, '{"input": "x"', 422],
  ['POST', MESSAGES, 'not json', 422],
  ['POST', MESSAGES, '[]', 422],
  ['POST', MESSAGES, '"text"', 422],
  ['POST', MESSAGES, '5', 422],
  ['POST', MESSAGES, 'null', 422],
  ['POST', MESSAGES, {}, 422],
  ['POST', MESSAGES, { input: 5 }, 422],
  ['POST', MESSAGES, { input: 'x', messages: [{ role: 'user', content: 'y' }] }, 422],
  ['POST', MESSAGES, { messages: [] }, 422],
  ['POST', MESSAGES, { messages: 'hello' }, 422],
  ['POST', MESSAGES, { messages: [{ role: 'zzz', content: 'x' }] }, 422],
  ['POST', MESSAGES, { messages: [{ role: 'user' }] }, 422],
  ['POST', MESSAGES, { messages: [{ role: 'user', content: [{ type: 'video' }] }] }, 422],
  ['POST', MESSAGES, { input: 'x', background: true }, 422],
  ['POST', MESSAGES, { input: 'x', max_steps: 2 ** 31 }, 422],
  ['POST', MESSAGES, { input: 'x', max_steps: 'many' }, 422],
  ['POST', MESSAGES, { input: 'a NUL \u0000 here' }, 422],
  ['POST', MESSAGES, '{"input": "half a pair \\ud800 here"}', 422],
  ['POST', MESSAGES, `{"input": "x", "extra": ${deep(100_000)}}`, 422],
  ['POST', MESSAGES, { input: 'x', override_model: 'openai/nope' }, 404],
  ['POST', MESSAGES, { input: 'x', override_model: 'nope' }, 400],
  ['POST', `/v1/agents/${NOBODY}/messages`, { input: 'x' }, 404],
  ['POST', '/v1/agents/agent-xyz/messages', { input: 'x' }, 422],
  ['POST', `${MESSAGES}/stream`, { messages: [] }, 422],
  ['POST', `${MESSAGES}/async`, {}, 422],
  ['POST', `${MESSAGES}/cancel`, { run_ids: 'x' }, 422],
  ['GET', `${MESSAGES}?limit=ten`, undefined, 422],
  ['GET', `${MESSAGES}?limit=-1`, undefined, 422],
  ['GET', `${MESSAGES}?limit=99999999999999999999`, undefined, 422],
  ['GET', `${MESSAGES}?order=sideways`, undefined, 422],
  ['GET', `${MESSAGES}?before=nobody`, undefined, 404],
  ['GET', `${MESSAGES}?conversation_id=%00`, undefined, 422],
  ['GET', `/v1/agents/${NOBODY}/messages`, undefined, 404],
  ['GET', '/v1/messages/message-xyz', undefined, 422],
  ['GET', `/v1/messages/message-${ZEROS}`, undefined, 404],
  ['GET', '/v1/runs/?limit=1001', undefined, 422],
  ['GET', '/v1/runs/?stop_reason=nope', undefined, 422],
  ['GET', '/v1/runs/?background=maybe', undefined, 422],
  ['GET', `/v1/runs/?after=run-${ZEROS}`, undefined, 404],
  ['GET', '/v1/runs/xyz', undefined, 400],
  ['DELETE', '/v1/runs/run-%00', undefined, 400],
  ['GET', `/v1/runs/run-${ZEROS}`, undefined, 404],
  ['DELETE', `/v1/runs/run-${ZEROS}`, undefined, 404],
  ['GET', `/v1/runs/run-${ZEROS}/messages`, undefined, 404],
  ['GET', `/v1/runs/run-${ZEROS}/steps`, undefined, 404],
  ['GET', `/v1/runs/run-${ZEROS}/usage`, undefined, 404],
  ['GET', `/v1/runs/run-${ZEROS}/metrics`, undefined, 404],
  ['POST', `/v1/runs/run-${ZEROS}/stream`, {}, 404],
  ['POST', `/v1/runs/run-${ZEROS}/stream`, { starting_after: 'x' }, 422],
  ['GET', '/v1/steps/step-xyz', undefined, 422],
  ['GET', `/v1/steps/step-${ZEROS}`, undefined, 404],
  ['GET', `/v1/steps/step-${ZEROS}/messages`, undefined, 404],
  ['GET', '/v1/steps/?start_date=yesterday', undefined, 422],
  ['PATCH', '/v1/steps/{step}/feedback', { feedback: 'meh' }, 422],
  ['PATCH', '/v1/steps/{step}/feedback', { tags: 'x' }, 422],
  ['PATCH', '/v1/steps/{step}/feedback', { tags: ['\u0000'] }, 422],
  ['PATCH', '/v1/steps/{step}/feedback', undefined, 422],
  ['GET', '/v1/agents/%E0%A4%A', undefined, 400],
  ['GET', '/v1/agents/{agent}/core-memory/blocks/%00', undefined, 422],
  ['POST', '/v1/agents/', { model: 'openai/nope' }, 404],
  ['POST', '/v1/agents/', { model: 'nope' }, 400],
  ['POST', '/v1/agents/', {}, 400],
  ['POST', '/v1/agents/', { model: 'openai/gpt-4.1', tools: ['no_such_tool'] }, 400],
  ['POST', '/v1/agents/', { model: 'openai/gpt-4.1', name: 'a/b' }, 400],
  ['POST', '/v1/agents/', { model: 'openai/gpt-4.1', name: 'bell \u0007' }, 400],
  ['POST', '/v1/agents/', { model: 'openai/gpt-4.1', memory_blocks: 'x' }, 422],
  ['POST', '/v1/agents/', { model: 'openai/gpt-4.1', block_ids: [`block-${ZEROS}`] }, 404],
  ['POST', '/v1/blocks/', { label: 'x'.repeat(10_000), value: 'y' }, 400],
  ['POST', '/v1/blocks/', { label: 5, value: 'y' }, 422],
  ['POST', '/v1/blocks/', { value: '\ud800' }, 422],
  ['PATCH', `/v1/blocks/block-${ZEROS}`, { value: 'x' }, 404],
  ['PATCH', '/v1/agents/{agent}/tools/approval/nope', { requires_approval: true }, 404],
];

const short = (body: unknown): string => (body === undefined ? 'nothing' : JSON.stringify(body).slice(0, 80));
const CASES = BAD.map(([method, path, body, status]) => ({
  title: `${method} ${path} with ${short(body)}`,
  method,
  path,
  body,
  status,
}));

it.each(CASES)(
  '$title is refused with $status and stores nothing',
  async ({ method, path, body, status }) => {
    const before = await rowCounts();

    const answer = await api.call(method, fill(path), { ...(body !== undefined && { body }) });

    expect(answer.text).toContain('"detail":');
    expect(answer.status).toBe(status);
    expect(answer.text.length).toBeLessThan(5_000);
    expect(await rowCounts()).toEqual(before);
    expect(api.startedTurns).toEqual([]);
  },
);

it('answers 404 for a run of an agent that was deleted', async () => {
  const gone = await insertAgent(api.db);
  const run = await insertRun(api.db, gone);

  const deleted = await api.call('DELETE', `/v1/agents/${gone}`);

  expect(deleted.status).toBe(200);
  expect((await api.call('GET', `/v1/runs/${run}`)).status).toBe(404);
  expect((await api.call('GET', `/v1/runs/${run}/messages`)).status).toBe(404);
  expect((await api.call('GET', `/v1/agents/${gone}/messages`)).status).toBe(404);
});

it.each([
  ['GET', '/v1/agents/agent-xyz', undefined, 'err.agents.retrieve.422_bad_id.json'],
  ['POST', MESSAGES, { messages: [] }, 'err.messages.create.empty.json'],
  ['POST', MESSAGES, undefined, 'err.bad_json.json'],
  ['POST', MESSAGES, {}, 'err.messages.create.422_missing.json'],
])('%s %s with %j is answered in the words of the original', async (method, path, body, sample) => {
  const answer = await api.call(method, fill(path), { ...(body !== undefined && { body }) });

  expect(answer.body).toEqual(sampleBody(sample));
});

it('says what is wrong with malformed JSON', async () => {
  const { body } = await api.call('POST', fill(MESSAGES), { body: '{"input": x}' });

  const detail = expect.stringMatching(
    /^\[{'type': 'json_invalid', 'loc': \('body', \d+\), .*Unexpected token/,
  ) as string;
  expect(body).toEqual({ trace_id: '', detail });
});

it('does not read a body that is not declared as JSON, as a page of another site would send it', async () => {
  const headers = { 'content-type': 'text/plain' };

  const answer = await api.call('POST', fill(MESSAGES), { body: '{"input": "x"}', headers });

  expect(answer.status).toBe(422);
  expect(api.startedTurns).toEqual([]);
});
