import { type CrudApi, MODELS, startCrudApi } from '../support/crud-api';
import { sampleBody } from '../support/letta-samples';
import { shapeOf } from '../support/shape';

let api: CrudApi;
beforeAll(async () => {
  api = await startCrudApi();
});
afterAll(() => api.stop());

const create = async (fields: object) =>
  (await api.call('POST', '/v1/agents/', { model: 'openai/gpt-4.1', ...fields })).body;
const update = async (id: string, fields: object) =>
  (await api.call('PATCH', `/v1/agents/${id}`, fields)).body;

it('lists models and embedding models in the form of the original', async () => {
  const models = await api.call('GET', '/v1/models/');
  const embeddings = await api.call('GET', '/v1/models/embedding');

  expect(models.body).toHaveLength(MODELS.length);
  expect(shapeOf(models.body)).toEqual(shapeOf(sampleBody('models.list.json')));
  expect(models.body[0]).toMatchObject({
    handle: 'openai/gpt-4.1',
    max_context_window: 1_047_576,
    max_tokens: 16_384,
  });
  expect(shapeOf(embeddings.body)).toEqual(shapeOf(sampleBody('models.embeddings.list.json')));
});

it('filters models by provider', async () => {
  const handles = async (query: string) => {
    const { body } = await api.call('GET', `/v1/models/?${query}`);
    return body.map((model: { handle: string }) => model.handle);
  };

  expect(await handles('provider_name=ollama')).toEqual(['ollama/small']);
  expect(await handles('provider_type=anthropic')).toEqual(['anthropic/claude-haiku-4-5']);
  expect(await handles('provider_category=byok')).toEqual([]);
});

it('answers health without asking anyone', async () => {
  expect(await api.call('GET', '/v1/health/')).toEqual({
    status: 200,
    body: { version: '0.16.7', status: 'ok' },
  });
});

it('writes every setting to both descriptions of the model', async () => {
  const agent = await create({
    model_settings: {
      provider_type: 'openai',
      temperature: 0.2,
      max_output_tokens: 100,
      parallel_tool_calls: true,
      reasoning: { reasoning_effort: 'high' },
      response_format: { type: 'json_object' },
      strict: true,
    },
    context_window_limit: 32_000,
  });

  expect(agent.llm_config).toMatchObject({
    temperature: 0.2,
    max_tokens: 100,
    parallel_tool_calls: true,
    reasoning_effort: 'high',
    response_format: { type: 'json_object' },
    strict: true,
    context_window: 32_000,
  });
  expect(agent.model_settings).toEqual({
    provider_type: 'openai',
    temperature: 0.2,
    max_output_tokens: 100,
    parallel_tool_calls: true,
    reasoning: { reasoning_effort: 'high' },
    response_format: { type: 'json_object' },
    strict: true,
  });
  expect(agent.response_format).toEqual({ type: 'json_object' });
});

it('accepts the older flat settings', async () => {
  const agent = await create({
    max_tokens: 50,
    parallel_tool_calls: true,
    response_format: { type: 'text' },
  });

  expect(agent.llm_config).toMatchObject({
    max_tokens: 50,
    parallel_tool_calls: true,
    response_format: { type: 'text' },
  });
  expect(agent.model_settings).toMatchObject({ max_output_tokens: 50, parallel_tool_calls: true });
});

it('accepts the older llm_config instead of a handle, and of it only how the model is called', async () => {
  const agent = await create({
    model: undefined,
    llm_config: {
      model: 'gpt-4.1',
      model_endpoint_type: 'openai',
      model_endpoint: 'http://elsewhere.example',
      context_window: 9000,
      temperature: 0.1,
    },
  });

  expect(agent.model).toBe('openai/gpt-4.1');
  expect(agent.llm_config).toMatchObject({
    context_window: 9000,
    temperature: 0.1,
    model_endpoint: MODELS[0]?.endpoint,
  });
});

it('an llm_config of a larger model than the server knows gets the whole window of that', async () => {
  const agent = await create({
    model: undefined,
    llm_config: { model: 'gpt-4.1', model_endpoint_type: 'openai', context_window: 2_097_152 },
  });

  expect(agent.llm_config.context_window).toBe(1_047_576);
});

it('a Claude that can think does so unless it is told not to', async () => {
  const model = 'anthropic/claude-haiku-4-5';
  const asked = await create({ model });
  const told = await create({ model, reasoning: false });
  const older = await create({
    model,
    model_settings: { provider_type: 'anthropic', thinking: { type: 'disabled' } },
  });

  expect(asked.model_settings).toMatchObject({ thinking: { type: 'enabled', budget_tokens: 1024 } });
  expect(asked.llm_config).toMatchObject({ enable_reasoner: true, max_reasoning_tokens: 1024 });
  for (const agent of [told, older]) {
    expect(agent.model_settings).toMatchObject({ thinking: { type: 'disabled' } });
    expect(agent.llm_config).toMatchObject({ enable_reasoner: false });
  }
});

it('gives each provider its own form of model_settings', async () => {
  const anthropic = await create({
    model: 'anthropic/claude-haiku-4-5',
    model_settings: {
      provider_type: 'anthropic',
      thinking: { type: 'enabled', budget_tokens: 2000 },
      effort: 'low',
    },
  });
  const other = await create({ model: 'ollama/small' });

  expect(anthropic.model_settings).toMatchObject({
    thinking: { type: 'enabled', budget_tokens: 2000 },
    effort: 'low',
  });
  expect(anthropic.llm_config).toMatchObject({
    enable_reasoner: true,
    max_reasoning_tokens: 2000,
    effort: 'low',
  });
  expect(anthropic.compaction_settings.model).toBe('anthropic/claude-haiku-4-5');
  expect(other.model_settings).toEqual({
    max_output_tokens: 16_384,
    parallel_tool_calls: true,
    provider_type: 'ollama',
    temperature: 1,
    response_format: null,
  });
  expect(other.llm_config.context_window).toBe(8_192);
  expect(other.compaction_settings.model).toBe('ollama/small');
});

it('keeps settings on an update of others, and starts anew with another model', async () => {
  const agent = await create({
    model_settings: { provider_type: 'openai', temperature: 0.2, parallel_tool_calls: true },
  });

  const window = await update(agent.id, { context_window_limit: 40_000 });
  const same = await update(agent.id, { model: 'openai/gpt-4.1', model_settings: { max_output_tokens: 7 } });
  const other = await update(agent.id, { model: 'ollama/small' });

  expect(window.llm_config).toEqual({ ...agent.llm_config, context_window: 40_000 });
  expect(window.model_settings).toEqual(agent.model_settings);
  expect(same.llm_config).toMatchObject({ temperature: 0.2, max_tokens: 7, context_window: 40_000 });
  expect(other).toMatchObject({ model: 'ollama/small' });
  expect(other.llm_config).toMatchObject({
    handle: 'ollama/small',
    context_window: 8_192,
    temperature: 1,
    max_tokens: 16_384,
    parallel_tool_calls: true,
  });
  expect(other.model_settings).toMatchObject({
    provider_type: 'ollama',
    parallel_tool_calls: true,
    temperature: 1,
  });
});

it('clears a response format with null in model_settings', async () => {
  const agent = await create({ response_format: { type: 'json_object' } });

  const cleared = await update(agent.id, {
    model_settings: { provider_type: 'openai', response_format: null },
  });

  expect(cleared).toMatchObject({ response_format: null, llm_config: { response_format: null } });
  expect(cleared.model_settings.response_format).toBeNull();
});

it('merges compaction settings', async () => {
  const agent = await create({ compaction_settings: { mode: 'all', prompt: 'mine' } });

  const changed = await update(agent.id, { compaction_settings: { clip_chars: 10 } });

  expect(agent.compaction_settings).toMatchObject({
    mode: 'all',
    prompt: 'mine',
    sliding_window_percentage: 0.3,
  });
  expect(changed.compaction_settings).toEqual({ ...agent.compaction_settings, clip_chars: 10 });
});
