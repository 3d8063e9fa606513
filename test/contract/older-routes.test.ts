import { type CrudApi, startCrudApi } from '../support/crud-api';
import { insertAgent, insertRun, insertStep } from '../support/rows';

let api: CrudApi;
beforeAll(async () => {
  api = await startCrudApi();
});
afterAll(() => api.stop());

it("shows an agent's whole memory", async () => {
  const { body: agent } = await api.call('POST', '/v1/agents/', {
    model: 'openai/gpt-4.1',
    memory_blocks: [
      { label: 'human', value: 'Ada' },
      { label: 'notes', value: 'n' },
    ],
  });

  const { status, body } = await api.call('GET', `/v1/agents/${agent.id}/core-memory`);
  const missing = '/v1/agents/agent-00000000-0000-4000-8000-000000000000/core-memory';

  expect(status).toBe(200);
  expect(body).toMatchObject({ agent_type: 'letta_v1_agent', file_blocks: [] });
  expect(body.blocks.map((block: { label: string; value: string }) => [block.label, block.value])).toEqual([
    ['human', 'Ada'],
    ['notes', 'n'],
  ]);
  expect((await api.call('GET', missing)).status).toBe(404);
});

it('knows routes of older clients by the names that they have for them', async () => {
  const health = await api.call('GET', '/v1/health/');
  const { database } = api;
  const agentId = await insertAgent(database.pool);
  const stepId = await insertStep(database.pool, await insertRun(database.pool, agentId), agentId);

  expect(await api.call('GET', '/v1/ready/')).toEqual(health);
  expect(await api.call('POST', '/v1/agents/messages/search', { query: 'lighthouse' })).toEqual({
    status: 200,
    body: [],
  });
  expect(await api.call('GET', `/v1/telemetry/${stepId}`)).toEqual({ status: 200, body: null });
});

it('says that traces of runs are not recorded', async () => {
  const runId = await insertRun(api.database.pool, await insertAgent(api.database.pool));
  const missing = 'run-00000000-0000-4000-8000-000000000000';

  const { status, body } = await api.call('GET', `/v1/runs/${runId}/trace`);

  expect(status).toBe(501);
  expect(body.detail).toContain('Temporal UI');
  expect((await api.call('GET', `/v1/runs/${missing}/trace`)).status).toBe(404);
});
