import { createOpenAiClient } from '../../../llm/openai/client';
import type { FakeOpenAi } from '../../support/fake-openai';
import { startFakeOpenAI } from '../../support/fake-openai';
import { call, failure } from './calls';
import { assistant, modelRequest, result, ROLL, user } from './requests';
import type { PromptMessage } from '../../../domain/model';

// The fake judges the adapters, benchmarks and end-to-end tests, so it is judged here.

let fake: FakeOpenAi;
beforeEach(async () => {
  fake = await startFakeOpenAI();
});
afterEach(async () => {
  await fake.close();
});

async function post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(fake.url + path, { method: 'POST', body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe.each(['gpt-4o', 'gpt-5.2'])('directives to %s', (model) => {
  const client = () =>
    createOpenAiClient({
      provider: 'openai',
      baseUrl: fake.url,
      apiKey: 'k',
      label: 'OpenAI',
      keyName: null,
      idleTimeoutMs: 5000,
    });
  const ask = async (messages: readonly PromptMessage[]) =>
    (await call(client(), modelRequest({ model, messages, tools: [ROLL], parallelToolCalls: true }))).reply;
  const visible = (parts: Awaited<ReturnType<typeof ask>>['parts']) =>
    parts.filter((part) => part.type !== 'reasoning');

  it('make a turn of several steps', async () => {
    const messages: PromptMessage[] = [user('SAY First.\nCALL roll_dice {"sides":1}\nCALL roll_dice {"sides":2}\nREPEAT 2 CALL roll_dice {"sides":3}\nTHEN\nSAY Bye.')]; // prettier-ignore
    const seen: unknown[] = [];
    for (let step = 0; step < 4; step++) {
      const reply = await ask(messages);
      seen.push(visible(reply.parts).map((part) => (part.type === 'tool_call' ? part.arguments : part.type === 'text' && part.text))); // prettier-ignore
      messages.push(assistant(reply.parts));
      for (const part of reply.parts) if (part.type === 'tool_call') messages.push(result(part.id, '4'));
    }

    expect(seen).toEqual([
      ['First.', '{"sides":1}', '{"sides":2}'],
      ['{"sides":3}'],
      ['{"sides":3}'],
      ['Bye.'],
    ]);
    expect(fake.problems).toEqual([]);
  });

  it('end with a count of the results', async () => {
    const first = await ask([user('CALL roll_dice {"sides":1}')]);
    const id = first.parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : []))[0] ?? '';

    const second = await ask([user('CALL roll_dice {"sides":1}'), assistant(first.parts), result(id, '4')]);

    expect(visible(second.parts)).toMatchObject([{ text: 'Done. I saw 1 tool result(s).' }]);
  });

  it('say a memory block, fail and break off', async () => {
    const memory: PromptMessage = {
      role: 'system',
      text: '<human>\n<value>\nName: Ada.\n</value>\n</human>',
    };

    expect(visible((await ask([memory, user('MEMORY human')])).parts)).toMatchObject([
      { text: 'Name: Ada.' },
    ]);
    expect(await failure(ask([user('ERR 503')]))).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
    expect(await failure(ask([user('CUT 2')]))).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
  });
});

const chat = (fields: object) => ({
  model: 'gpt-4o',
  messages: [{ role: 'user', content: 'Hi' }],
  ...fields,
});
const toolCall = { role: 'assistant', content: null, tool_calls: [{ id: 'a', type: 'function', function: { name: 'x', arguments: '{}' } }] }; // prettier-ignore
const responses = (fields: object) => ({
  model: 'gpt-5-mini',
  store: false,
  input: [{ role: 'user', content: 'Hi' }],
  ...fields,
});

it.each([
  ['a cache key', '/chat/completions', chat({ prompt_cache_key: 'x' })],
  ['an unknown field', '/chat/completions', chat({ surprise: 1 })],
  ['a stream without usage', '/chat/completions', chat({ stream: true })],
  ['no retention where it belongs', '/chat/completions', chat({ model: 'gpt-4.1' })],
  ['retention where it does not', '/chat/completions', chat({ prompt_cache_retention: '24h' })],
  ['a call without its result', '/chat/completions', chat({ messages: [toolCall] })],
  ['a result without its call', '/chat/completions', chat({ messages: [{ role: 'tool', tool_call_id: 'a', content: '' }] })],
  ['a late result', '/chat/completions', chat({ messages: [toolCall, { role: 'user', content: 'x' }, { role: 'tool', tool_call_id: 'a', content: '' }] })],
  ['tool settings without tools', '/chat/completions', chat({ tool_choice: 'auto' })],
  ['a role of the future', '/chat/completions', chat({ messages: [{ role: 'wizard', content: '' }] })],
  ['temperature for a reasoner', '/responses', responses({ temperature: 1 })],
  ['storage', '/responses', responses({ store: true })],
  ['an orphan output', '/responses', responses({ input: [{ type: 'function_call_output', call_id: 'a', output: '' }] })],
  ['lonely reasoning', '/responses', responses({ input: [{ type: 'reasoning', id: 'rs_1', encrypted_content: 'enc:' }] })],
  ['two calls of one id', '/responses', responses({ input: ['a', 'a'].map((id) => ({ type: 'function_call', call_id: id, name: 'x', arguments: '' })) })],
])('refuses %s', async (_name, path, body) => {
  expect((await post(path, body)).status).toBe(400);
  expect(fake.problems).toHaveLength(1);
}); // prettier-ignore

it('answers without a stream too, and embeds', async () => {
  expect((await post('/chat/completions', chat({}))).body).toMatchObject({
    object: 'chat.completion',
    choices: [{ message: { content: 'Hello! I am the fake model and you said: Hi' }, finish_reason: 'stop' }],
  });
  expect((await post('/responses', responses({}))).body).toMatchObject({
    status: 'completed',
    output: [{ type: 'message', content: [{ text: 'Hello! I am the fake model and you said: Hi' }] }],
  });
  expect((await post('/embeddings', { model: 'm', input: ['a', 'b'] })).body).toMatchObject({ data: [{ index: 0 }, { index: 1 }] }); // prettier-ignore
  expect((await post('/nowhere', {})).status).toBe(404);
});

it('records requests byte for byte', async () => {
  const body = chat({ temperature: 0 });

  await post('/chat/completions', body);

  expect(fake.requests[0]?.raw.toString()).toBe(JSON.stringify(body));
  expect(fake.count).toBe(1);
});
