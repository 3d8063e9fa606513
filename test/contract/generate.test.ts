import { AppError } from '../../domain/errors';
import type { ModelReply, ModelRequest } from '../../domain/model';
import { insertAgent } from '../support/rows';
import { answeredBy, startTestApi, type TestApi } from '../support/test-api';

const TEXT: ModelReply['parts'] = [{ type: 'text', text: 'Four.' }];
const usage = {
  promptTokens: 12,
  completionTokens: 3,
  totalTokens: 15,
  cachedInputTokens: 4,
  cacheWriteTokens: null,
  reasoningTokens: null,
};
const asked: { handle: string; request: ModelRequest }[] = [];
let answers: (ModelReply['parts'] | AppError)[] = [];

let api: TestApi;
let agentId: string;
beforeAll(async () => {
  api = await startTestApi({
    modelClient: answeredBy((handle) => ({
      preview: (request) => Promise.resolve(request),
      complete: (request) => {
        asked.push({ handle, request });
        const answer = answers.shift() ?? TEXT;
        if (answer instanceof AppError) return Promise.reject(answer);
        return Promise.resolve({ parts: answer, finishReason: 'stop', usage, responseId: null });
      },
    })),
  });
  agentId = await insertAgent(api.db);
});
afterAll(() => api.close());
beforeEach(() => {
  asked.length = 0;
  answers = [];
});

const generate = (body: object, id = agentId) => api.call('POST', `/v1/agents/${id}/generate`, { body });

it("answers a prompt with the agent's model, and stores nothing", async () => {
  const answer = await generate({ prompt: 'What is 2 + 2?', system_prompt: 'Be brief.' });

  expect(answer).toMatchObject({
    status: 200,
    body: {
      content: 'Four.',
      model: 'gpt-4.1',
      usage: { message_type: 'usage_statistics', prompt_tokens: 12, completion_tokens: 3, total_tokens: 15, step_count: 0, cached_input_tokens: 4, context_tokens: null },
    },
  }); // prettier-ignore
  expect(asked).toMatchObject([
    {
      handle: 'openai/gpt-4.1',
      request: {
        messages: [
          { role: 'system', text: 'Be brief.' },
          { role: 'user', parts: [{ type: 'text', text: 'What is 2 + 2?' }] },
        ],
        tools: [],
      },
    },
  ]);
  expect((await api.call('GET', `/v1/agents/${agentId}/messages`)).body).toEqual([]);
  expect((await api.call('GET', '/v1/runs/')).body).toEqual([]);
});

it('takes the answer in the form of a schema from the arguments of a call that the model must make', async () => {
  const content = '{"sum":4}';
  answers = [[{ type: 'tool_call', id: 'c', name: 'structured_output', arguments: content }]];

  const { body } = await generate({
    prompt: '2 + 2',
    response_schema: { properties: { sum: { type: 'number' } } },
  });

  expect(body).toMatchObject({ content });
  expect(asked[0]?.request).toMatchObject({
    toolChoice: { name: 'structured_output' },
    tools: [{ parameters: { type: 'object', properties: { sum: { type: 'number' } }, required: ['sum'] } }],
  });
});

it('asks another model when told to, and one that is busy again', async () => {
  answers = [new AppError('MODEL_UNAVAILABLE', 'busy', { retryAfterMs: 1 })];
  expect((await generate({ prompt: 'x', override_model: 'openai/gpt-4.1' })).status).toBe(200);
  expect(asked).toHaveLength(2);

  answers = [new AppError('MODEL_AUTHENTICATION', 'wrong key')];
  const refused = await generate({ prompt: 'x' });
  expect(refused).toMatchObject({ status: 401, body: { error: { type: 'llm_authentication' } } });
});

it('refuses an empty prompt, and a model or an agent that does not exist', async () => {
  for (const prompt of ['', ' \n\t', null]) expect((await generate({ prompt })).status).toBe(422);
  expect((await generate({ prompt: 'x', override_model: 'nobody/nothing' })).status).toBe(404);
  expect((await generate({ prompt: 'x' }, 'agent-00000000-0000-4000-8000-000000000000')).status).toBe(404);
  expect(asked).toEqual([]);
});
