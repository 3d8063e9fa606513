import { createOpenAiClient } from '../../../llm/openai/client';
import type { FakeOpenAi, FakeOpenAiOptions, FakeReply } from '../../support/fake-openai';
import { startFakeOpenAI } from '../../support/fake-openai';
import { call, failure } from './calls';
import { assistant, joinEvents, joinParts, modelRequest, result, ROLL, system, user } from './requests';

let fake: FakeOpenAi | undefined;
afterEach(async () => {
  await fake?.close();
});

async function start(replies: readonly FakeReply[], options: FakeOpenAiOptions = {}, provider = 'openai') {
  fake = await startFakeOpenAI({ replies, ...options });
  const client = createOpenAiClient({
    provider,
    baseUrl: fake.url,
    apiKey: 'sk-secret-key',
    label: 'OpenAI',
    keyName: 'OPENAI_API_KEY',
    idleTimeoutMs: 5000,
  });
  return { client, fake };
}

const request = modelRequest({ messages: [system, user('Roll')], tools: [ROLL], parallelToolCalls: true });
const frames = (...deltas: readonly unknown[]) => [
  ...deltas.map((delta) => ({ id: 'c1', choices: [{ index: 0, delta, finish_reason: null }] })),
  { id: 'c1', choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
];

it('streams text and returns the whole of it with its usage', async () => {
  const { client, fake } = await start([{ text: 'Hello there, how are you today?', chunkSize: 5 }]);

  const { reply, events } = await call(client, request);

  expect(reply).toMatchObject({ finishReason: 'stop', responseId: 'chatcmpl-fake0' });
  expect(reply.parts).toEqual([{ type: 'text', text: 'Hello there, how are you today?' }]);
  expect(events.length).toBeGreaterThan(3);
  expect(joinEvents(events)).toEqual(joinParts(reply));
  expect(reply.usage.totalTokens).toBe(reply.usage.promptTokens + reply.usage.completionTokens);
  expect(reply.usage.cachedInputTokens).toBe(Math.floor(reply.usage.promptTokens / 2));
  expect(fake.problems).toEqual([]);
  expect(fake.requests[0]?.authorization).toBe('Bearer sk-secret-key');
});

it('keeps every parallel call apart while their arguments arrive interleaved', async () => {
  const toolCalls = [
    { name: 'roll_dice', arguments: { sides: 6, label: 'a long label for more than one delta' } },
    { name: 'roll_dice', arguments: { sides: 20, label: 'another long label to interleave with' } },
  ];
  const { client } = await start([{ text: 'Two dice.', toolCalls, chunkSize: 7 }]);

  const { reply, events } = await call(client, request);

  expect(reply.finishReason).toBe('tool_calls');
  expect(reply.parts.map((part) => part.type)).toEqual(['text', 'tool_call', 'tool_call']);
  expect(reply.parts.slice(1)).toMatchObject(
    toolCalls.map((one) => ({ arguments: JSON.stringify(one.arguments) })),
  );
  expect(joinEvents(events)).toEqual(joinParts(reply));
});

it('gives calls without an id, with a repeated id or with one shared index ids and places of their own', async () => {
  const fn = (name: string, args: string) => ({ name, arguments: args });
  const noIds = frames({ tool_calls: [{ index: 0, function: fn('roll_dice', '{}') }, { index: 1, id: '', function: fn('roll_dice', '{}') }] }); // prettier-ignore
  const sameIds = frames({ tool_calls: [{ index: 0, id: 'x', function: fn('roll_dice', '1') }, { index: 1, id: 'x', function: fn('roll_dice', '2') }] }); // prettier-ignore
  const sameIndex = frames({ tool_calls: [{ index: 0, id: 'a', function: fn('roll_dice', '1') }] }, { tool_calls: [{ index: 0, id: 'b', function: fn('roll_dice', '2') }] }); // prettier-ignore
  const { client } = await start([
    { rawFrames: noIds },
    { rawFrames: noIds },
    { rawFrames: sameIds },
    { rawFrames: sameIndex },
  ]);
  const calls = async () => {
    const { reply, events } = await call(client, request);
    expect(joinEvents(events)).toEqual(joinParts(reply));
    return reply.parts.map((part) => (part.type === 'tool_call' ? [part.id, part.arguments] : []));
  };

  const first = await calls();
  expect(new Set(first.map(([id]) => id)).size).toBe(2);
  expect(first[0]?.[0]).toMatch(/^call_0_[0-9a-f]{8}$/);
  expect(await calls()).toEqual(first);
  expect(await calls()).toEqual([['x', '1'], ['x_2', '2']]); // prettier-ignore
  expect(await calls()).toEqual([['a', '1'], ['b', '2']]); // prettier-ignore
});

it('keeps malformed arguments as the model wrote them', async () => {
  const { client } = await start([{ toolCalls: [{ name: 'roll_dice', arguments: '{"sides": 6' }] }]);

  const { reply } = await call(client, request);

  expect(reply.parts).toMatchObject([{ type: 'tool_call', arguments: '{"sides": 6' }]);
});

it('reads reasoning deltas of other servers as a reasoning part', async () => {
  const { client } = await start(
    [{ reasoning: 'Let me think.', text: 'Done.' }],
    { strict: false },
    'deepseek',
  );

  const { reply, events } = await call(client, request);

  expect(reply.parts).toMatchObject([
    { type: 'reasoning', text: 'Let me think.', signature: null, provider: { name: 'deepseek' } },
    { type: 'text', text: 'Done.' },
  ]);
  expect(joinEvents(events)).toEqual(joinParts(reply));
  expect(reply.usage.reasoningTokens).toBeGreaterThan(0);
});

it('joins the reasoning details of OpenRouter and sends them back with the calls they belong to', async () => {
  const detail = (fields: object) => ({
    reasoning_details: [{ type: 'reasoning.text', index: 0, ...fields }],
  });
  const rawFrames = frames(
    { reasoning: 'Let me ', ...detail({ text: 'Let me ' }) },
    { reasoning: 'think.', ...detail({ text: 'think.', signature: null }) },
    { ...detail({ signature: 'sig-1' }) },
    { tool_calls: [{ index: 0, id: 'a', function: { name: 'roll_dice', arguments: '{}' } }] },
  );
  const { client, fake } = await start([{ rawFrames }, { text: 'ok' }], { strict: false }, 'openrouter');

  const { reply } = await call(client, request);
  await call(
    client,
    modelRequest({ messages: [...request.messages, assistant(reply.parts), result('a', '4')] }),
  );

  expect(fake.requests[1]?.body['messages']).toMatchObject([
    {},
    {},
    { reasoning_details: [{ type: 'reasoning.text', index: 0, text: 'Let me think.', signature: 'sig-1' }] },
    {},
  ]);
});

it.each([
  ['length', { text: 'It was a dark and', finish: 'length' }, 'length'],
  ['content_filter', { text: '', finish: 'content_filter' }, 'content_filter'],
  ['refusal', { refusal: 'I can’t help with that.' }, 'refusal'],
] as const)('reports a %s stop', async (_name, scripted, finishReason) => {
  const { client } = await start([scripted]);

  const { reply } = await call(client, request);

  expect(reply.finishReason).toBe(finishReason);
  if (finishReason === 'refusal')
    expect(reply.parts).toEqual([{ type: 'text', text: 'I can’t help with that.' }]);
});

it('estimates the usage of servers that report none', async () => {
  const { client } = await start([{ text: 'Hello', usage: false }]);

  const { reply } = await call(client, request);

  expect(reply.usage.promptTokens).toBeGreaterThan(5);
  expect(reply.usage.completionTokens).toBe(2);
  expect(reply.usage.cachedInputTokens).toBeNull();
});

it.each([
  [
    'a connection cut in the middle',
    { text: 'A long enough text for several frames', cutAfter: 3 },
    'MODEL_UNAVAILABLE',
  ],
  [
    'a stream that ends too soon',
    { text: 'A long enough text for several frames', endAfter: 3 },
    'MODEL_UNAVAILABLE',
  ],
  ['an empty reply', { text: '' }, 'MODEL_INVALID_RESPONSE'],
  [
    'an error event in the stream',
    { rawFrames: [{ error: { message: 'overloaded', code: 502 } }] },
    'MODEL_UNAVAILABLE',
  ],
  [
    'a call without a name',
    { rawFrames: frames({ tool_calls: [{ index: 0, id: 'a', function: { arguments: '{}' } }] }) },
    'MODEL_INVALID_RESPONSE',
  ],
] as const)('fails on %s', async (_name, scripted, code) => {
  const { client } = await start([scripted]);

  expect(await failure(call(client, request))).toMatchObject({ code });
});

it('asks once and never again by itself', async () => {
  const { client, fake } = await start([{ error: { status: 429, headers: { 'retry-after': '7' } } }]);

  const error = await failure(call(client, request));

  expect(error).toMatchObject({
    code: 'MODEL_RATE_LIMIT',
    retryAfterMs: 7000,
    facts: { status: 429, model: 'gpt-4.1' },
  });
  expect(fake.count).toBe(1);
});

it('never repeats the key in an error', async () => {
  const { client } = await start([], { apiKey: 'another' });

  const error = await failure(call(client, request));

  expect(error.code).toBe('MODEL_AUTHENTICATION');
  expect(error.message).toMatch(
    /^Authentication failed with OpenAI: Incorrect API key provided.*OPENAI_API_KEY/,
  );
  expect(error.message).not.toContain('sk-secret-key');
});

it('tells a silent stream from a cancelled one', async () => {
  fake = await startFakeOpenAI({
    replies: [
      { text: 'Hello you', chunkSize: 2, frameDelayMs: 400 },
      { text: 'Hi', delayMs: 60_000 },
    ],
  });
  const options = { provider: 'openai', baseUrl: fake.url, apiKey: 'k', label: 'OpenAI', keyName: 'K' };
  const impatient = createOpenAiClient({ ...options, idleTimeoutMs: 100 });
  const patient = createOpenAiClient({ ...options, idleTimeoutMs: 60_000 });

  expect(await failure(call(impatient, request))).toMatchObject({ code: 'MODEL_TIMEOUT', message: expect.stringContaining('sent nothing') as string }); // prettier-ignore

  const controller = new AbortController();
  const cancelled = failure(call(patient, request, controller.signal));
  controller.abort();
  expect(await cancelled).toMatchObject({ code: 'CANCELLED' });
  expect(await failure(call(patient, request, AbortSignal.abort()))).toMatchObject({ code: 'CANCELLED' });
  expect(await failure(call(patient, request, AbortSignal.timeout(50)))).toMatchObject({
    code: 'MODEL_TIMEOUT',
  });
});

it('waits for a slow stream that goes on', async () => {
  fake = await startFakeOpenAI({
    replies: [{ text: 'one two three four', chunkSize: 4, frameDelayMs: 100 }],
  });
  const options = { provider: 'openai', baseUrl: fake.url, apiKey: 'k', label: 'OpenAI', keyName: 'K' };

  const { reply } = await call(createOpenAiClient({ ...options, idleTimeoutMs: 400 }), request);

  expect(reply.parts).toMatchObject([{ text: 'one two three four' }]);
});

it('is cancelled in the middle of a stream', async () => {
  const { client } = await start([{ text: 'one two three four five', chunkSize: 4, frameDelayMs: 50 }]);
  const controller = new AbortController();

  const cancelled = failure(
    client.complete(request, {
      signal: controller.signal,
      onEvent: () => {
        controller.abort();
      },
    }),
  );

  expect(await cancelled).toMatchObject({ code: 'CANCELLED' });
});

it('reports a server that is not there', async () => {
  const { client, fake } = await start([]);
  await fake.close();

  expect(await failure(call(client, request))).toMatchObject({ code: 'MODEL_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') as string }); // prettier-ignore
});
