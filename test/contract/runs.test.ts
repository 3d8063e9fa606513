import Letta from '@letta-ai/letta-client';
import { loadRunResult } from '../../db/runs';
import { sampleBody } from '../support/letta-samples';
import { insertAgent, insertConversation, insertMessage, insertRun, insertStep } from '../support/rows';
import { startTestApi, type TestApi } from '../support/test-api';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const ids = (body: unknown): string[] => (body as { id: string }[]).map(({ id }) => id); // a list of objects
const json = (value: unknown): string => JSON.stringify(value, null, 1);
const usage = (prompt: number, total: number) => ({
  prompt_tokens: prompt,
  completion_tokens: 20,
  total_tokens: total,
  cached_input_tokens: 10,
});
const model = {
  provider_name: 'openai',
  model: 'gpt-4.1',
  model_handle: 'openai-proxy/gpt-4.1',
  model_endpoint: 'http://127.0.0.1:28900/v1',
  context_window_limit: 128000,
};
const RECORDED_RUN = 'run-1930d16c-91e5-4392-b159-bfdd8816ef7d';
const RECORDED_AGENT = 'agent-3d53e657-1480-4ac3-9567-1f582495e422';
const RECORDED_STEPS = [
  'step-3bbb40d8-3282-4ce7-9812-afe522e60821',
  'step-c604e4cd-3baf-4536-9c70-96f1ea7d4cb3',
];

describe('a recorded run', () => {
  beforeAll(async () => {
    await insertAgent(api.db, RECORDED_AGENT);
    await insertRun(api.db, RECORDED_AGENT, {
      id: RECORDED_RUN,
      background: true,
      metadata: { run_type: 'send_message_async' },
      created_at: '2026-11-24T01:43:06.027Z',
      completed_at: '2026-11-24T01:43:06.415Z',
    });
    for (const [index, id] of RECORDED_STEPS.entries()) {
      await insertStep(api.db, RECORDED_RUN, RECORDED_AGENT, {
        ...model,
        ...(index === 0 ? usage(137, 157) : { ...usage(138, 158), stop_reason: 'end_turn' }),
        id,
        index,
        llm_ns: 87199955,
        started_at: '2026-11-24T01:43:06.100Z',
        completed_at: '2026-11-24T01:43:06.193Z',
      });
    }
  });

  it('is shown key by key as the original shows it', async () => {
    const { body } = await api.call('GET', `/v1/runs/${RECORDED_RUN}`);

    // Postgres keeps microseconds, a Date milliseconds; the original leaves the duration out here and gives it in lists.
    const recorded = sampleBody('runs.retrieve.json') as object;
    const dates = { created_at: '2026-11-24T01:43:06.027000Z', completed_at: '2026-11-24T01:43:06.415000' };
    const metadata = { run_type: 'send_message_async' };
    expect(json(body)).toBe(json({ ...recorded, ...dates, metadata, total_duration_ns: 388_000_000 }));
  });

  it('has steps, usage and metrics as the original shows them', async () => {
    const steps = await api.call('GET', `/v1/runs/${RECORDED_RUN}/steps`);
    const total = await api.call('GET', `/v1/runs/${RECORDED_RUN}/usage`);
    const metrics = await api.call('GET', `/v1/runs/${RECORDED_RUN}/metrics`);
    const stepMetrics = await api.call('GET', `/v1/steps/${RECORDED_STEPS[1]}/metrics`);

    expect(json(steps.body)).toBe(json(sampleBody('runs.steps.list.json')));
    expect(json(total.body)).toBe(json(sampleBody('runs.usage.json')));
    expect(Object.keys(metrics.body as object)).toEqual(
      Object.keys(sampleBody('runs.metrics.json') as object),
    );
    expect(metrics.body).toMatchObject({ num_steps: 2, run_ns: 388_000_000, tools_used: [] });
    const added = ['lost_attempts', 'lost_completion_tokens_estimated'];
    expect(Object.keys(stepMetrics.body as object).filter((key) => !added.includes(key))).toEqual(
      Object.keys(sampleBody('steps.metrics.json') as object),
    );
    expect(stepMetrics.body).toMatchObject({ llm_request_ns: 87199955, step_ns: 93_000_000 });
  });

  it('keeps what a person thought of a step', async () => {
    const path = `/v1/steps/${RECORDED_STEPS[0]}`;

    const answer = await api.call('PATCH', `${path}/feedback`, {
      body: { feedback: 'positive', tags: ['good'] },
    });

    expect(answer.body).toMatchObject({ feedback: 'positive', tags: ['good'] });
    expect((await api.call('GET', path)).body).toEqual(answer.body);
    expect(ids((await api.call('GET', '/v1/steps/?has_feedback=true')).body)).toEqual([RECORDED_STEPS[0]]);
    expect(ids((await api.call('GET', '/v1/steps/?tags=good&feedback=negative')).body)).toEqual([]);
    expect((await api.call('GET', `${path}/trace`)).text).toBe('null');
  });
});

describe('lists of runs', () => {
  let agentId: string;
  let conversationId: string;
  const runIds: string[] = []; // oldest first

  beforeAll(async () => {
    agentId = await insertAgent(api.db);
    conversationId = await insertConversation(api.db, agentId);
    const kinds = [
      { status: 'completed' },
      { status: 'failed', stop_reason: 'llm_api_error' },
      { status: 'running', stop_reason: null, background: true },
      { status: 'created', stop_reason: null },
      { status: 'completed', conversation_id: conversationId },
      { status: 'completed' },
      { status: 'completed' },
    ];
    for (const [index, kind] of kinds.entries()) {
      // Two runs share a moment: paging must not lose either.
      const created_at = new Date(Date.UTC(2026, 0, 1, 0, 0, Math.min(index, 5)));
      runIds.push(await insertRun(api.db, agentId, { ...kind, created_at }));
    }
  });

  const list = async (query: string) =>
    ids((await api.call('GET', `/v1/runs/?agent_id=${agentId}&${query}`)).body);

  it.each([
    ['statuses=completed&statuses=failed', [0, 1, 4, 5, 6]],
    ['active=true', [2, 3]],
    ['background=true', [2]],
    ['background=false&active=true', [3]],
    ['stop_reason=llm_api_error', [1]],
    ['limit=2&order=asc', [0, 1]],
    ['ascending=true&limit=1', [0]],
    ['statuses=nope', []],
  ])('filters by %s', async (query, expected) => {
    const wanted = expected.map((index) => runIds[index]);

    expect(new Set(await list(query))).toEqual(new Set(wanted));
  });

  it('filters by conversation and shows its id; the own thread of an agent has none', async () => {
    const { body } = await api.call('GET', `/v1/runs/?conversation_id=${conversationId}`);

    expect(body).toMatchObject([{ id: runIds[4], conversation_id: conversationId }]);
    expect((await api.call('GET', `/v1/runs/${runIds[0]}`)).body).toMatchObject({ conversation_id: null });
  });

  it('is paged completely and in order by the unmodified SDK', async () => {
    const client = new Letta({ baseURL: api.url, apiKey: 'x' });
    const seen: Record<string, string[]> = {};

    for (const order of ['asc', 'desc'] as const) {
      seen[order] = [];
      for await (const run of client.runs.list({ agent_id: agentId, limit: 2, order }))
        seen[order].push(run.id);
    }

    expect(seen['desc']).toEqual([...(seen['asc'] ?? [])].reverse());
    expect([...(seen['asc'] ?? [])].sort()).toEqual([...runIds].sort());
    expect(seen['asc']?.slice(0, 5)).toEqual(runIds.slice(0, 5));
  });

  it('gives the page that ends before a cursor, next to it', async () => {
    const newestFirst = await list('');

    expect(await list(`before=${newestFirst[4]}&limit=2`)).toEqual(newestFirst.slice(2, 4));
    expect(await list(`after=${newestFirst[1]}&before=${newestFirst[4]}`)).toEqual(newestFirst.slice(2, 4));
  });

  it('lists active runs of all agents', async () => {
    const { body } = await api.call('GET', '/v1/runs/active');

    expect(ids(body)).toEqual([runIds[3], runIds[2]]);
  });

  it('deletes a run that is over and no other', async () => {
    const over = await insertRun(api.db, agentId);
    await insertStep(api.db, over, agentId);

    const deleted = await api.call('DELETE', `/v1/runs/${over}`);
    const refused = await api.call('DELETE', `/v1/runs/${runIds[2]}`);

    expect(deleted).toMatchObject({ status: 200, body: null });
    expect((await api.call('GET', `/v1/runs/${over}`)).status).toBe(404);
    expect(refused.status).toBe(409);
    expect(refused.headers.get('x-should-retry')).toBe('false');
    expect((await api.call('GET', `/v1/runs/${runIds[2]}`)).status).toBe(200);
  });
});

describe('a run with messages', () => {
  it('lists all that its request asked for, oldest first, and answers a blocking caller with its output only', async () => {
    const agentId = await insertAgent(api.db);
    const run_id = await insertRun(api.db, agentId);
    const step_id = await insertStep(api.db, run_id, agentId, usage(5, 25));
    const shared = { run_id, step_id };
    const text = (value: string) => [{ type: 'text', text: value }] as const;
    const asked = await insertMessage(api.db, agentId, { ...shared, role: 'user', parts: text('hi') });
    const said = await insertMessage(api.db, agentId, {
      ...shared,
      role: 'assistant',
      parts: [{ type: 'reasoning', text: 'hm', signature: null }, ...text('hello')],
    });

    const { body } = await api.call('GET', `/v1/runs/${run_id}/messages`);
    const newestFirst = await api.call('GET', `/v1/runs/${run_id}/messages?order=desc&limit=1`);
    const ofStep = await api.call('GET', `/v1/steps/${step_id}/messages?after=${asked}`);
    const result = await loadRunResult(api.db, run_id);

    const config = { include_return_message_types: ['assistant_message'] };
    await api.db.query('update runs set request_config = $2 where id = $1', [run_id, config]);
    const narrowed = await api.call('GET', `/v1/runs/${run_id}/messages`);

    expect(narrowed.body).toMatchObject([{ id: said, message_type: 'assistant_message' }]);
    expect(ids(body)).toEqual([asked, said, said]);
    expect(body).toMatchObject([{ message_type: 'user_message' }, { reasoning: 'hm' }, { content: 'hello' }]);
    expect(ids(newestFirst.body)).toEqual([said, said]);
    expect(ids(ofStep.body)).toEqual([said, said]);
    expect(result.messages.map(({ id }) => id)).toEqual([said]);
    expect(result.usage).toMatchObject({
      stepCount: 1,
      totalTokens: 25,
      contextTokens: 25,
      cacheWriteTokens: 0,
    });
  });

  it('keeps the error of a failed run in its metadata: a sentence, or the frame of a stream', async () => {
    const agentId = await insertAgent(api.db);
    const error = { code: 'MODEL_BAD_REQUEST', errorType: 'llm_error', message: 'An error.', detail: 'bad' };
    const failed = { status: 'failed', stop_reason: 'llm_api_error', error: JSON.stringify(error) };
    const metadataOf = async (run_type: string) => {
      const id = await insertRun(api.db, agentId, { ...failed, metadata: { run_type, error } });
      return { id, body: (await api.call('GET', `/v1/runs/${id}`)).body };
    };

    const blocking = await metadataOf('send_message');
    const streamed = await metadataOf('send_message_streaming');

    expect(blocking.body).toMatchObject({ metadata: { run_type: 'send_message', error: 'bad' } });
    expect(streamed.body).toMatchObject({
      metadata: {
        error: { message_type: 'error_message', run_id: streamed.id, error_type: 'llm_error', seq_id: null },
      },
    });
  });
});
