import { createGoogleClient } from '../../../llm/google/client';
import { buildGoogleRequest } from '../../../llm/google/request';
import type { FakeGemini, FakeGeminiReply } from '../../support/fake-gemini';
import { startFakeGemini } from '../../support/fake-gemini';
import { call, failure } from './calls';
import {
  assistant,
  IMAGE,
  joinEvents,
  joinParts,
  modelRequest,
  result,
  ROLL,
  SETTINGS,
  system,
  user,
} from './requests';

let fake: FakeGemini | undefined;
afterEach(async () => {
  await fake?.close();
});

async function start(replies: readonly FakeGeminiReply[]) {
  fake = await startFakeGemini(replies);
  const options = {
    baseUrl: fake.url,
    apiKey: 'AIza-secret',
    label: 'Google Gemini',
    keyName: 'GEMINI_API_KEY',
  };
  return { client: createGoogleClient({ ...options, idleTimeoutMs: 5000 }), fake };
}

const messages = [system, user('Roll')];
const request = modelRequest({ model: 'gemini-2.5-flash', messages, tools: [ROLL], parallelToolCalls: true });
const rollCall = (sides: number) => ({ functionCall: { name: 'roll_dice', args: { sides } } });

it('shows the pictures of a result beside it', async () => {
  const { client, fake } = await start([{ parts: [{ text: 'A cat.' }] }]);
  const look = assistant([{ type: 'tool_call', id: 'call_1', name: 'roll_dice', arguments: '{}' }]);

  await call(client, { ...request, messages: [...messages, look, { ...result('call_1', 'one'), images: [IMAGE] }] }); // prettier-ignore

  expect(JSON.stringify(fake.requests[0])).toContain('{"inlineData":{"mimeType":"image/png","data":"AAAA"}}');
  expect(fake.problems).toEqual([]);
});

it('shows a later message of the role system as one of the user', async () => {
  const { client, fake } = await start([{ parts: [{ text: 'Metric.' }] }]);

  await call(client, { ...request, messages: [...messages, { role: 'system', text: 'Use metric units.' }] });

  const text = '<system_message>\nUse metric units.\n</system_message>';
  expect(fake.requests[0]).toMatchObject({
    systemInstruction: { parts: [{ text: 'You are kind.' }] },
    contents: [
      { role: 'user', parts: [{ text: 'Roll' }] },
      { role: 'user', parts: [{ text }] },
    ],
  });
  expect(fake.problems).toEqual([]);
});

it('keeps thoughts, calls and their signatures, and sends them back in order', async () => {
  const { client, fake } = await start([
    {
      parts: [
        { text: 'I need ', thought: true },
        { text: 'dice.', thought: true, thoughtSignature: 'sig-t' },
        { text: 'Rolling.', thoughtSignature: 'sig-x' },
        { ...rollCall(6), thoughtSignature: 'sig-c' },
        rollCall(20),
      ],
    },
    { parts: [{ text: 'Done.' }] },
  ]);

  const { reply, events } = await call(client, request);
  const ids = reply.parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : []));
  const next = [...messages, assistant(reply.parts), ...ids.map((id) => result(id, '4'))];
  await call(client, { ...request, messages: next });

  expect(reply).toMatchObject({ finishReason: 'tool_calls', responseId: 'gemini-fake1' });
  expect(reply.parts).toMatchObject([
    { type: 'reasoning', text: 'I need dice.', signature: 'sig-t' },
    { type: 'text', text: 'Rolling.', provider: { name: 'google_ai', data: { thoughtSignature: 'sig-x' } } },
    { type: 'tool_call', arguments: '{"sides":6}', provider: { data: { thoughtSignature: 'sig-c' } } },
    { type: 'tool_call', arguments: '{"sides":20}' },
  ]);
  expect(joinEvents(events)).toEqual(joinParts(reply));
  expect(reply.usage).toEqual({
    promptTokens: 100,
    completionTokens: 25,
    totalTokens: 125,
    cachedInputTokens: 40,
    cacheWriteTokens: null,
    reasoningTokens: 5,
  });
  expect(fake.problems).toEqual([]);
  const sent = fake.requests.map((body) => body['contents'] as readonly object[]);
  expect(sent[1]?.[1]).toMatchObject({
    role: 'model',
    parts: [
      { text: 'I need dice.', thought: true, thoughtSignature: 'sig-t' },
      { text: 'Rolling.', thoughtSignature: 'sig-x' },
      { functionCall: { name: 'roll_dice', args: { sides: 6 } }, thoughtSignature: 'sig-c' },
      { functionCall: { name: 'roll_dice', args: { sides: 20 } } },
    ],
  });
  expect(JSON.stringify(sent[1]).startsWith(JSON.stringify(sent[0]).slice(0, -1))).toBe(true);
  expect(fake.requests[0]).toMatchObject({
    systemInstruction: { parts: [{ text: 'You are kind.' }] },
    generationConfig: { thinkingConfig: { includeThoughts: true } },
  });
});

it('asks for thoughts only where the model has some', () => {
  const config = (model: string, fields = {}) =>
    buildGoogleRequest({ ...request, model, settings: { ...SETTINGS, ...fields } }).providerOptions?.[
      'google'
    ];

  expect(config('gemini-2.0-flash')).toEqual({});
  expect(config('gemini-2.5-flash', { maxReasoningTokens: 500 })).toEqual({
    thinkingConfig: { includeThoughts: true, thinkingBudget: 500 },
  });
  expect(config('gemini-3-pro-preview', { reasoningEffort: 'low', maxReasoningTokens: 500 })).toEqual({
    thinkingConfig: { includeThoughts: true, thinkingLevel: 'low' },
  });
});

it('drops reasoning of other providers', async () => {
  const { client, fake } = await start([{ parts: [{ text: 'Hi' }] }]);
  const foreign = { type: 'reasoning' as const, text: 'secret thought', signature: 's', provider: { name: 'anthropic', data: {} } };

  await call(client, { ...request, messages: [user('Hi'), assistant([foreign]), assistant([foreign, { type: 'text', text: 'Yo' }]), user('?')] });

  expect(JSON.stringify(fake.requests)).not.toContain('secret thought');
}); // prettier-ignore

it.each([
  ['length', { parts: [{ text: 'Once' }], finishReason: 'MAX_TOKENS' }, 'length'],
  ['safety', { parts: [{ text: 'On' }], finishReason: 'SAFETY' }, 'content_filter'],
  ['blocked prompt', { blockReason: 'PROHIBITED_CONTENT' }, 'content_filter'],
] as const)('reports a %s stop', async (_name, scripted, finishReason) => {
  const { client } = await start([scripted]);

  expect((await call(client, request)).reply.finishReason).toBe(finishReason);
});

it.each([
  ['a stream that ends too soon', { parts: [{ text: 'A' }, { text: 'B' }], endAfter: 1 }, 'MODEL_UNAVAILABLE'],
  ['a connection cut in the middle', { parts: [{ text: 'A' }, { text: 'B' }], cutAfter: 1 }, 'MODEL_UNAVAILABLE'],
  ['a malformed call', { finishReason: 'MALFORMED_FUNCTION_CALL' }, 'MODEL_INVALID_RESPONSE'],
  ['an empty reply', {}, 'MODEL_INVALID_RESPONSE'],
  ['an error in the stream', { parts: [{ text: 'A' }], streamError: { code: 503, status: 'UNAVAILABLE', message: 'busy' } }, 'MODEL_UNAVAILABLE'],
] as const)('fails on %s', async (_name, scripted, code) => {
  const { client } = await start([scripted]);

  expect(await failure(call(client, request))).toMatchObject({ code });
}); // prettier-ignore
