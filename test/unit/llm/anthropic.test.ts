import { createAnthropicClient } from '../../../llm/anthropic/client';
import { buildAnthropicRequest } from '../../../llm/anthropic/request';
import type { FakeAnthropic, FakeClaudeReply } from '../../support/fake-anthropic';
import { startFakeAnthropic } from '../../support/fake-anthropic';
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

let fake: FakeAnthropic | undefined;
afterEach(async () => {
  await fake?.close();
});

async function start(replies: readonly FakeClaudeReply[]) {
  fake = await startFakeAnthropic(replies);
  const options = {
    baseUrl: fake.url,
    apiKey: 'sk-ant-secret',
    label: 'Anthropic',
    keyName: 'ANTHROPIC_API_KEY',
  };
  return { client: createAnthropicClient({ ...options, idleTimeoutMs: 5000 }), fake };
}

const thinking = { ...SETTINGS, maxReasoningTokens: 2000, maxOutputTokens: 4000, temperature: 1 };
const messages = [system, user('Roll')];
const request = modelRequest({ model: 'claude-sonnet-4-5', messages, tools: [ROLL], parallelToolCalls: true, settings: thinking }); // prettier-ignore

const toolCalls = [
  { id: 'toolu_1', name: 'roll_dice', arguments: '{"sides":6}' },
  { id: 'toolu_2', name: 'roll_dice', arguments: '{"sides":' },
];

it('keeps thinking, its signature, redacted thinking and every call, and sends them back in order', async () => {
  const { client, fake } = await start([
    { thinking: { text: 'I need dice.', signature: 'sig-1' }, redactedThinking: 'blob', text: 'Rolling.', toolCalls },
    { text: 'Done.' },
  ]);

  const { reply, events } = await call(client, request);
  const next = [...messages, assistant(reply.parts), result('toolu_1', '4'), result('toolu_2', 'bad')];
  await call(client, { ...request, messages: next });

  expect(reply.finishReason).toBe('tool_calls');
  expect(reply.parts).toMatchObject([
    { type: 'reasoning', text: 'I need dice.', signature: 'sig-1', provider: { name: 'anthropic' } },
    { type: 'redacted_reasoning', data: 'blob' },
    { type: 'text', text: 'Rolling.' },
    { type: 'tool_call', id: 'toolu_1', arguments: '{"sides":6}' },
    { type: 'tool_call', id: 'toolu_2', arguments: '{"sides":' },
  ]);
  expect(joinEvents(events)).toEqual(joinParts(reply));
  expect(fake.problems).toEqual([]);
  expect(fake.requests[0]).toMatchObject({
    thinking: { type: 'enabled', budget_tokens: 2000 },
    cache_control: { type: 'ephemeral' },
    system: [{ type: 'text', text: 'You are kind.' }],
    tools: [{ name: 'roll_dice' }],
  });
  const sent = fake.requests.map((body) => body['messages'] as readonly { content: readonly object[] }[]);
  expect(sent[1]).toMatchObject([
    { role: 'user' },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'I need dice.', signature: 'sig-1' },
        { type: 'redacted_thinking', data: 'blob' },
        { type: 'text', text: 'Rolling.' },
        { type: 'tool_use', id: 'toolu_1', input: { sides: 6 } },
        { type: 'tool_use', id: 'toolu_2', input: { malformed_arguments: '{"sides":' } },
      ],
    },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1' }, { tool_use_id: 'toolu_2' }] },
  ]);
  expect(JSON.stringify(sent[1]).startsWith(JSON.stringify(sent[0]).slice(0, -1))).toBe(true);
}); // prettier-ignore

it('shows the pictures of a result in it', async () => {
  const { client, fake } = await start([{ text: 'A cat.' }]);
  const look = assistant([{ type: 'tool_call', id: 'toolu_1', name: 'roll_dice', arguments: '{}' }]);

  await call(client, { ...request, messages: [...messages, look, { ...result('toolu_1', 'one'), images: [IMAGE] }] }); // prettier-ignore

  const source = { type: 'base64', media_type: 'image/png', data: 'AAAA' };
  const content = [
    { type: 'text', text: 'one' },
    { type: 'image', source },
  ];
  expect((fake.requests[0]?.['messages'] as readonly object[]).at(-1)).toMatchObject({
    role: 'user',
    content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content }],
  });
  expect(fake.problems).toEqual([]);
});

it('shows a later message of the role system as one of the user', async () => {
  const { client, fake } = await start([{ text: 'Metric.' }]);

  await call(client, { ...request, messages: [...messages, { role: 'system', text: 'Use metric units.' }] });

  const text = '<system_message>\nUse metric units.\n</system_message>';
  expect(fake.requests[0]?.['messages']).toMatchObject([
    { role: 'user', content: [{ text: 'Roll' }, { type: 'text', text }] },
  ]);
  expect(fake.problems).toEqual([]);
});

it('reports usage with cache reads and writes', async () => {
  const { client } = await start([{ text: 'Hi' }]);

  const { reply } = await call(client, request);

  expect(reply.usage).toEqual({
    promptTokens: 150,
    completionTokens: 25,
    totalTokens: 175,
    cachedInputTokens: 40,
    cacheWriteTokens: 10,
    reasoningTokens: null,
  });
  expect(reply.responseId).toBe('msg_fake1');
});

it('does not think when a tool is forced or the loop in progress was begun without thinking', async () => {
  const { client, fake } = await start([{ text: 'Hi' }]);
  const foreign = assistant([
    { type: 'reasoning', text: 'Hm', signature: 'enc:1', provider: { name: 'openai', data: { id: 'rs_1' } } },
    { type: 'tool_call', id: 'call_1', name: 'roll_dice', arguments: '' },
  ]);
  const afterSwitch = [...messages, foreign, result('call_1', '4')];

  await call(client, { ...request, toolChoice: 'required' });
  await call(client, { ...request, messages: afterSwitch });
  await call(client, {
    ...request,
    messages: [...afterSwitch, assistant([{ type: 'text', text: 'Four' }]), user('Again')],
  });

  expect(fake.problems).toEqual([]);
  expect(fake.requests.map((body) => 'thinking' in body)).toEqual([false, false, true]);
  expect(JSON.stringify(fake.requests)).not.toMatch(/rs_1|enc:1/);
});

it('lets newer models decide how long to think', () => {
  const options = (model: string, reasoningEffort: string | null) =>
    buildAnthropicRequest({ ...request, model, settings: { ...thinking, reasoningEffort } })
      .providerOptions?.['anthropic'];

  expect(options('claude-opus-4-7', 'high')).toMatchObject({
    thinking: { type: 'adaptive' },
    effort: 'high',
  });
  expect(options('claude-sonnet-4-5', 'high')).not.toHaveProperty('effort');
  expect(options('claude-opus-4-7', 'minimal')).not.toHaveProperty('effort');
});

it('sends pictures and replaces messages without text', async () => {
  const { client, fake } = await start([{ text: 'Hi' }]);
  const picture = {
    type: 'image' as const,
    source: { type: 'base64' as const, mediaType: 'image/png', data: 'AAAA' },
  };
  const link = { type: 'image' as const, source: { type: 'url' as const, url: 'https://example.com/a.png' } };

  await call(client, { ...request, messages: [{ role: 'user', parts: [picture, link] }] });
  await call(client, { ...request, messages: [user('  ')] });

  expect(fake.problems).toEqual([]);
  expect(fake.requests[0]?.['messages']).toMatchObject([
    {
      content: [
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
      ],
    },
  ]);
});

it.each([
  ['length', { text: 'Once', stopReason: 'max_tokens' }, 'length'],
  ['refusal', { text: 'No.', stopReason: 'refusal' }, 'refusal'],
] as const)('reports a %s stop', async (_name, scripted, finishReason) => {
  const { client } = await start([scripted]);

  expect((await call(client, request)).reply.finishReason).toBe(finishReason);
});

it.each([
  ['a connection cut in the middle', { text: 'A long text', cutAfter: 3 }, 'MODEL_UNAVAILABLE'],
  ['a stream that ends too soon', { text: 'A long text', endAfter: 3 }, 'MODEL_UNAVAILABLE'],
  ['overload in the middle', { text: 'Hi', streamError: { type: 'overloaded_error', message: 'Overloaded' } }, 'MODEL_UNAVAILABLE'],
  ['overload at once', { streamError: { type: 'overloaded_error', message: 'Overloaded' } }, 'MODEL_UNAVAILABLE'],
  ['an empty reply', {}, 'MODEL_INVALID_RESPONSE'],
] as const)('fails on %s', async (_name, scripted, code) => {
  const { client } = await start([scripted]);

  expect(await failure(call(client, request))).toMatchObject({ code });
}); // prettier-ignore

it('is cancelled while it waits', async () => {
  const { client } = await start([{ text: 'Hi', delayMs: 60_000 }]);
  const controller = new AbortController();

  const cancelled = failure(call(client, request, controller.signal));
  controller.abort();

  expect(await cancelled).toMatchObject({ code: 'CANCELLED' });
});
