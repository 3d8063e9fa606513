import { crc32 } from 'node:zlib';
import type { ModelRequest, PromptMessage } from '../../../domain/model';
import { buildChatRequest, toChatMessages } from '../../../llm/openai/chat-request';
import { toRequestBody } from '../../../llm/openai/request-body';
import { buildResponsesRequest, toInputItems } from '../../../llm/openai/responses-request';
import { createSerializedPrompts } from '../../../llm/serialized-prompts';

const says = (text: string): PromptMessage => ({ role: 'user', parts: [{ type: 'text', text }] });
const thinks: PromptMessage = {
  role: 'assistant',
  parts: [{ type: 'reasoning', text: 'Hm.', signature: null }],
};

/** Writes messages as JSON and remembers which. */
function writing() {
  const written: PromptMessage[] = [];
  const write = (messages: readonly PromptMessage[], index: number): string => {
    const message = messages[index]!;
    written.push(message);
    return message === thinks ? '' : JSON.stringify(message);
  };
  return { written, write };
}

const listOf = (bytes: Buffer): unknown => JSON.parse(`[${bytes.toString()}]`);

it('writes only what the last prompt of a conversation did not have', () => {
  const prompts = createSerializedPrompts();
  const [a, b, c] = [says('ä'), says('b'), says('c')];
  const { written, write } = writing();

  prompts.serialize('one', { head: '', messages: [a, b], write });
  const { bytes } = prompts.serialize('one', { head: '', messages: [a, b, c], write });

  expect(listOf(bytes)).toEqual([a, b, c]);
  expect(written).toEqual([a, b, c]);
});

it('writes results again that got another neighbour', () => {
  const prompts = createSerializedPrompts();
  const result = (toolCallId: string): PromptMessage => ({ role: 'tool', toolCallId, name: 'f', text: 'ok' });
  const [a, b, c, d] = [says('a'), result('b'), result('c'), result('d')];
  const { written, write } = writing();

  prompts.serialize('one', { head: '', messages: [a, b, c], write });
  const { bytes } = prompts.serialize('one', { head: '', messages: [a, b, c, d], write });

  expect(listOf(bytes)).toEqual([a, b, c, d]);
  expect(written).toEqual([a, b, c, b, c, d]);
});

it.each([
  ['an end that is missing', [0, 1]],
  ['another end', [0, 1, 3, 4]],
  ['another beginning', [3, 1, 2]],
  ['a hole in the middle', [0, 2]],
  ['another order', [2, 1, 0]],
  ['nothing', []],
])('writes what is said after %s', (_what, places) => {
  const prompts = createSerializedPrompts();
  const all = ['a', 'b', 'c', 'd', 'e'].map(says);
  const { write } = writing();
  const messages = places.map((place) => all[place]!);

  prompts.serialize('one', { head: '', messages: all.slice(0, 3), write });
  const again = prompts.serialize('one', { head: '', messages, write });

  expect(listOf(again.bytes)).toEqual(messages);
  expect(again).toEqual(createSerializedPrompts().serialize('one', { head: '', messages, write }));
});

it('an equal message that is another object has the same bytes and the same print', () => {
  const prompts = createSerializedPrompts();
  const { write } = writing();

  const first = prompts.serialize('one', { head: 'h', messages: [says('a'), says('b')], write });
  const second = prompts.serialize('one', { head: 'h', messages: [says('a'), says('b')], write });

  expect(second).toEqual(first);
});

it('prints the bytes: where each message ends, and the checksum of all up to there', () => {
  const messages = [says('ä'), thinks, says('b')];
  const { write } = writing();

  const { bytes, print } = createSerializedPrompts().serialize('one', { head: 'tools', messages, write });

  expect(print.head).toEqual([5, crc32('tools')]);
  expect(print.ends).toHaveLength(3);
  expect(print.ends[1]).toBe(print.ends[0]);
  expect(print.ends[2]).toBe(bytes.length);
  print.ends.forEach((end, at) => expect(print.checksums[at]).toBe(crc32(bytes.subarray(0, end))));
});

it('keeps what is kept apart for each conversation, and nothing without a key', () => {
  const prompts = createSerializedPrompts();
  const { written, write } = writing();
  const messages = [says('a')];

  for (const key of ['one', 'other', null, null, 'one'])
    prompts.serialize(key, { head: '', messages, write });

  expect(written).toHaveLength(4);
});

it('keeps no more than it may, and forgets the least recently used first', () => {
  const prompts = createSerializedPrompts(100_000);
  const { written, write } = writing();
  const messages = [says('x'.repeat(15_000))];

  for (const key of ['one', 'other', 'third']) prompts.serialize(key, { head: '', messages, write });
  expect(prompts.bytes).toBeLessThanOrEqual(100_000);
  prompts.serialize('third', { head: '', messages, write });
  expect(written).toHaveLength(3);
  prompts.serialize('one', { head: '', messages, write });
  expect(written).toHaveLength(4);
});

it('a prompt that is larger than all that may be kept is not kept', () => {
  const prompts = createSerializedPrompts(10_000);
  const { write } = writing();

  prompts.serialize('one', { head: '', messages: [says('x'.repeat(15_000))], write });

  expect(prompts.bytes).toBe(0);
});

describe('the body of a request', () => {
  const request: ModelRequest = {
    model: 'gpt-5.2',
    conversationId: 'conv-1',
    messages: [
      { role: 'system', text: 'Be brief.' },
      says('Hi'),
      thinks,
      { role: 'assistant', parts: [{ type: 'text', text: 'a' }, { type: 'tool_call', id: 'c', name: 'f', arguments: '{}' }] },
      { role: 'tool', toolCallId: 'c', name: 'f', text: 'ok', images: [{ type: 'image', source: { type: 'url', url: 'https://a.example/b.png' } }] },
      { role: 'user', parts: [{ type: 'text', text: 'and now?' }] },
    ],
    tools: [{ name: 'f', description: 'F', parameters: { type: 'object', properties: {} } }],
    toolChoice: 'auto',
    parallelToolCalls: true,
    settings: { temperature: 0.5, maxOutputTokens: 100, reasoningEffort: 'low', maxReasoningTokens: null, verbosity: 'low', frequencyPenalty: null, strict: false, responseFormat: { type: 'json_object' } },
    user: 'user-1',
  }; // prettier-ignore
  const target = { provider: 'openai', baseUrl: 'https://api.openai.com/v1' };
  const chat = (given: ModelRequest) => ({
    list: 'messages' as const,
    dialect: 'chat',
    fields: buildChatRequest({ ...given, messages: [] }, target),
    write: (messages: readonly PromptMessage[], index: number) => toChatMessages(messages, index, target),
  });
  const responses = (given: ModelRequest) => ({
    list: 'input' as const,
    dialect: 'responses',
    fields: buildResponsesRequest({ ...given, messages: [] }, target),
    write: (messages: readonly PromptMessage[], index: number) => toInputItems(messages[index]!, target),
  });

  it.each([
    ['Chat Completions', chat, buildChatRequest],
    ['Responses', responses, buildResponsesRequest],
  ])('of %s is what its builder says, and begins with the one before', (_api, how, build) => {
    const prompts = createSerializedPrompts();
    const bodies = request.messages.map((_message, at) => {
      const given = { ...request, messages: request.messages.slice(0, at + 1) };
      const { bytes } = toRequestBody(prompts, given, how(given));
      expect(JSON.parse(bytes.toString())).toEqual(JSON.parse(JSON.stringify(build(given, target))));
      const { list } = how(given);
      const sent = `"${list}":${JSON.stringify((JSON.parse(bytes.toString()) as Record<string, unknown>)[list])}`;
      expect(bytes.toString()).toContain(`"parameters":{"type":"object","properties":{}}`);
      return { text: bytes.toString(), end: bytes.toString().indexOf(sent) + sent.length - 1 };
    });

    for (const [at, { text, end }] of bodies.entries()) {
      if (at === 0) continue;
      const before = bodies[at - 1]!;
      expect(text.startsWith(before.text.slice(0, before.end))).toBe(true);
      expect(before.end).toBeGreaterThan(before.text.indexOf('"properties"'));
      expect(end).toBeGreaterThanOrEqual(before.end);
    }
  });
});
