import { createOpenAiClient } from '../../../llm/openai/client';
import type { FakeOpenAi, FakeReply } from '../../support/fake-openai';
import { startFakeOpenAI } from '../../support/fake-openai';
import { call, failure } from './calls';
import { assistant, joinEvents, joinParts, modelRequest, result, ROLL, system, user } from './requests';

let fake: FakeOpenAi | undefined;
afterEach(async () => {
  await fake?.close();
});

async function start(replies: readonly FakeReply[]) {
  fake = await startFakeOpenAI({ replies });
  const options = {
    provider: 'openai',
    baseUrl: fake.url,
    apiKey: 'k',
    label: 'OpenAI',
    keyName: 'OPENAI_API_KEY',
  };
  return { client: createOpenAiClient({ ...options, idleTimeoutMs: 5000 }), fake };
}

const messages = [system, user('Roll')];
const request = modelRequest({ model: 'gpt-5.2', messages, tools: [ROLL], parallelToolCalls: true });

it('keeps reasoning, text and every call, and sends all of it back in order', async () => {
  const toolCalls = [
    { name: 'roll_dice', arguments: { sides: 6 } },
    { name: 'roll_dice', arguments: '{"sides":' },
    { name: 'roll_dice', arguments: { sides: 20 } },
  ];
  const reasoning = 'I need dice.\n\nThree of them.';
  const { client, fake } = await start([{ reasoning, text: 'Rolling.', toolCalls, chunkSize: 5 }, { text: 'Done.' }]);

  const { reply, events } = await call(client, request);
  const ids = reply.parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : []));
  const next = [...messages, assistant(reply.parts), ...ids.map((id) => result(id, '4'))];
  const { reply: second } = await call(client, { ...request, messages: next });
  await call(client, { ...request, messages: [...next, assistant(second.parts), user('Thanks')] });

  expect(reply.finishReason).toBe('tool_calls');
  expect(reply.parts.map((part) => part.type)).toEqual(['reasoning', 'text', 'tool_call', 'tool_call', 'tool_call']);
  expect(reply.parts[0]).toMatchObject({ text: reasoning, signature: `enc:${Buffer.from(reasoning).toString('base64')}` });
  expect(joinEvents(events)).toEqual(joinParts(reply));
  expect(fake.problems).toEqual([]);
  const inputs = fake.requests.map(({ body }) => body['input'] as readonly object[]);
  expect(inputs[1]?.slice(2)).toMatchObject([
    { type: 'reasoning', id: 'rs_fake0', summary: [{ text: 'I need dice.' }, { text: 'Three of them.' }] },
    { type: 'message', id: 'msg_fake0', content: [{ text: 'Rolling.' }] },
    { type: 'function_call', id: 'fc_fake0_0', arguments: '{"sides":6}' },
    { type: 'function_call', id: 'fc_fake0_1', arguments: '{"sides":' },
    { type: 'function_call', id: 'fc_fake0_2', arguments: '{"sides":20}' },
    { type: 'function_call_output', call_id: ids[0] },
    { type: 'function_call_output', call_id: ids[1] },
    { type: 'function_call_output', call_id: ids[2] },
  ]);
  for (const [shorter, longer] of [[inputs[0], inputs[1]], [inputs[1], inputs[2]]]) {
    expect(JSON.stringify(longer).startsWith(JSON.stringify(shorter).slice(0, -1))).toBe(true);
  }
}); // prettier-ignore

it('reports usage with cached and reasoning tokens', async () => {
  const { client } = await start([{ reasoning: 'Thinking about it.', text: 'Yes.' }]);

  const { reply } = await call(client, request);

  expect(reply.responseId).toBe('resp_fake0');
  expect(reply.usage.reasoningTokens).toBe(5);
  expect(reply.usage.cachedInputTokens).toBe(Math.floor(reply.usage.promptTokens / 2));
  expect(reply.usage.totalTokens).toBe(reply.usage.promptTokens + reply.usage.completionTokens);
});

it.each([
  ['length', { text: 'Once upon', finish: 'length' }, 'length'],
  ['content_filter', { text: 'Once upon', finish: 'content_filter' }, 'content_filter'],
  ['refusal', { refusal: 'I can’t do that.' }, 'refusal'],
] as const)('reports a %s stop', async (_name, scripted, finishReason) => {
  const { client, fake } = await start([scripted, { text: 'ok' }]);

  const { reply } = await call(client, request);
  await call(client, { ...request, messages: [...messages, assistant(reply.parts), user('Well')] });

  expect(reply.finishReason).toBe(finishReason);
  expect(fake.problems).toEqual([]);
});

const created = { type: 'response.created', response: { id: 'r' } };
const failed = (code: string, message: string) => ({
  type: 'response.failed',
  response: { error: { code, message } },
});

it.each([
  ['a connection cut in the middle', { text: 'A long enough text', cutAfter: 6 }, 'MODEL_UNAVAILABLE'],
  ['a stream that ends too soon', { text: 'A long enough text', endAfter: 6 }, 'MODEL_UNAVAILABLE'],
  ['a failed response', { rawFrames: [created, failed('server_error', 'sorry')] }, 'MODEL_UNAVAILABLE'],
  ['a rate limit inside the stream', { rawFrames: [created, failed('rate_limit_exceeded', 'slow down')] }, 'MODEL_RATE_LIMIT'],
  ['a prompt the model refuses', { rawFrames: [created, failed('invalid_prompt', 'no')] }, 'MODEL_BAD_REQUEST'],
  ['an error event', { rawFrames: [created, { type: 'error', code: 'context_length_exceeded', message: 'too long' }] }, 'MODEL_CONTEXT_OVERFLOW'],
  ['a reply without anything', { rawFrames: [{ type: 'response.completed', response: { id: 'r', output: [] } }] }, 'MODEL_INVALID_RESPONSE'],
] as const)('fails on %s', async (_name, scripted, code) => {
  const { client } = await start([scripted]);

  expect(await failure(call(client, request))).toMatchObject({ code });
}); // prettier-ignore

it('reads a reply of which only the last event came', async () => {
  const output = [
    {
      type: 'reasoning',
      id: 'rs_1',
      summary: [{ type: 'summary_text', text: 'Hm' }],
      encrypted_content: 'enc:1',
    },
    { type: 'reasoning', id: 'rs_2', summary: [], encrypted_content: 'enc:2' },
    {
      type: 'message',
      id: 'msg_1',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'Hi', annotations: [] }],
    },
    { type: 'function_call', id: 'fc_1', call_id: 'c', name: 'roll_dice', arguments: '{}' },
  ];
  const { client } = await start([
    { rawFrames: [{ type: 'response.completed', response: { id: 'r', output } }] },
  ]);

  const { reply, events } = await call(client, request);

  expect(reply.parts).toMatchObject([
    { type: 'reasoning', text: 'Hm', signature: 'enc:1' },
    { type: 'reasoning', text: '', signature: 'enc:2' },
    { type: 'text', text: 'Hi' },
    { type: 'tool_call', id: 'c', arguments: '{}' },
  ]);
  expect(joinEvents(events)).toEqual(joinParts(reply));
});

it('believes the items it saw before the list at the end', async () => {
  const item = {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    content: [{ type: 'output_text', text: 'Hi', annotations: [] }],
  };
  const rawFrames = [
    { type: 'response.output_item.done', output_index: 1, item },
    { type: 'response.completed', response: { id: 'r', output: [item] } },
  ];
  const { client } = await start([{ rawFrames }]);

  expect((await call(client, request)).reply.parts).toMatchObject([{ type: 'text', text: 'Hi' }]);
});
