import type { ModelReply, ModelRequest, PromptMessage, ToolSpec } from '../../../domain/model';
import { compileSystemPrompt } from '../../../domain/system-prompt';
import { createDemoClient } from '../../../llm/demo/client';
import { call, failure } from './calls';
import { assistant, joinEvents, joinParts, modelRequest, result, ROLL, user } from './requests';

const demo = createDemoClient();

const tool = (name: string, ...strings: readonly string[]): ToolSpec => ({
  name,
  description: '',
  parameters: {
    type: 'object',
    properties: Object.fromEntries(strings.map((field) => [field, { type: 'string' }])),
    required: strings,
  },
});
const TOOLS = [
  tool('memory_insert', 'label', 'new_string'),
  tool('memory_replace', 'label', 'old_string', 'new_string'),
  tool('conversation_search'),
  tool('web_search', 'query'),
  tool('fetch_webpage', 'url'),
  ROLL,
];

const block = (label: string, value: string, head = '') =>
  `<${label}>\n<description>\nAbout.\n</description>\n<metadata>\n${head}- chars_limit=100\n</metadata>\n<value>\n${value}\n</value>\n</${label}>`;
const system = (human: string): PromptMessage => ({
  role: 'system',
  text: `You are kind.\n\n<memory_blocks>\nThese are your blocks.\n\n${block('persona', 'I am Pip.')}\n\n${block('human', human)}\n</memory_blocks>\n`,
});
const envelope = (message: string, status = 'OK') => JSON.stringify({ status, message, time: 't' });

async function say(
  messages: readonly PromptMessage[],
  fields: Partial<ModelRequest> = {},
): Promise<ModelReply> {
  const { reply, events } = await call(
    demo,
    modelRequest({ model: 'demo', messages, tools: TOOLS, ...fields }),
  );
  expect(joinEvents(events)).toEqual(joinParts(reply));
  return reply;
}
const calls = ({ parts }: ModelReply) =>
  parts.flatMap((part) =>
    part.type === 'tool_call' ? [[part.name, JSON.parse(part.arguments) as unknown]] : [],
  );
const text = ({ parts }: ModelReply) => parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

it.each([
  ['The human’s name is Chad.', 'Hey, nice to meet you, my name is Brad.', [['memory_replace', { label: 'human', old_string: 'Chad', new_string: 'Brad' }]]],
  ['', 'Hi! My name is Ada Lovelace.', [['memory_insert', { label: 'human', new_string: 'Name: Ada Lovelace.' }]]],
  ['Name: Ada.', 'Actually my name is Grace.', [['memory_replace', { label: 'human', old_string: 'Ada', new_string: 'Grace' }]]],
  ['Name: Ada.', 'As I said, my name is Ada.', []],
  ['', 'I really like hiking and I live in Paris.', [['memory_insert', { label: 'human', new_string: 'Likes hiking.' }], ['memory_insert', { label: 'human', new_string: 'Lives in Paris.' }]]],
  ['Likes hiking.', 'I like hiking', []],
  ['', 'Please remember that the door code is 1234.', [['memory_insert', { label: 'human', new_string: 'The door code is 1234.' }]]],
  ['', 'Do you remember what I like?', []],
  ['', 'Use the tool roll_dice with {"sides": 20, "label": "a {b}"}', [['roll_dice', { sides: 20, label: 'a {b}' }]]],
  ['', 'call roll_dice', [['roll_dice', { sides: 1 }]]],
  ['', 'Call it a day', []],
  ['', 'Search for our first talk', [['conversation_search', { query: 'our first talk' }]]],
  ['', 'Search the web for "durable agents".', [['web_search', { query: 'durable agents' }]]],
  ['', 'Please fetch https://example.com/a?b=c.', [['fetch_webpage', { url: 'https://example.com/a?b=c' }]]],
])('with %j in memory, %j leads to its calls', async (human, message, expected) => {
  const reply = await say([system(human), user(message)], { parallelToolCalls: true });

  expect(calls(reply)).toEqual(expected);
  expect(reply.finishReason).toBe(expected.length > 0 ? 'tool_calls' : 'stop');
}); // prettier-ignore

it('labels every reply as a demo and streams it in words', async () => {
  const { reply, events } = await call(
    demo,
    modelRequest({ model: 'demo', messages: [system(''), user('Hello')], tools: TOOLS }),
  );

  expect(text(reply)).toMatch(/^\[demo model\] Hello! I am a script, not a language model/);
  expect(events.length).toBeGreaterThan(10);
  expect(reply.usage).toMatchObject({ cachedInputTokens: null });
  expect(reply.usage.promptTokens).toBeGreaterThan(20);
});

it('says the same thing to the same conversation', async () => {
  const messages = [system(''), user('My name is Ada. I like tea.')];

  expect(await say(messages)).toEqual(await say(messages));
});

it('walks through a turn: one call a step, then what came of them, and knows it next time', async () => {
  const messages: PromptMessage[] = [system('')];
  const ids = new Set<string>();
  const step = async () => {
    const reply = await say(messages);
    messages.push(assistant(reply.parts));
    const made = reply.parts.find((part) => part.type === 'tool_call');
    if (made) ids.add(made.id);
    return { reply, id: made?.id ?? '' };
  };

  messages.push(user('My name is Ada. I like tea.'));
  const first = await step();
  expect(calls(first.reply)).toEqual([['memory_insert', { label: 'human', new_string: 'Name: Ada.' }]]);
  messages.push(result(first.id, envelope('Name: Ada.'), 'memory_insert'));
  const second = await step();
  expect(calls(second.reply)).toEqual([['memory_insert', { label: 'human', new_string: 'Likes tea.' }]]);
  messages.push(result(second.id, envelope('Name: Ada.\nLikes tea.'), 'memory_insert'));
  expect(text((await step()).reply)).toMatch(
    /I saved that\. The memory block reads: Name: Ada\.\nLikes tea\./,
  );

  messages.push(user('What’s my name? And what do you know about me?'));
  expect(text((await step()).reply)).toBe(
    '[demo model] Your name is Ada.\nMy memory says about you: Name: Ada.\nLikes tea.',
  );
  expect(ids.size).toBe(2);
});

it('believes a note about memory more than the system message', async () => {
  const note = user(
    '<memory_update>\nEdited elsewhere.\n<human>\n<value>\nName: Grace.\n</value>\n</human>\n</memory_update>',
  );

  const reply = await say([system('Name: Ada.'), user('Hi'), assistant([{ type: 'text', text: 'Hello' }]), note, user("What's my name?")]); // prettier-ignore

  expect(text(reply)).toBe('[demo model] Your name is Grace.');
});

it('reads the blocks of the system message that agents really get', async () => {
  const value = 'Name: Ada.\nLikes <b>tea</b>.';
  const blocks = [
    { label: 'persona', value: 'I am Pip.', limit: 100, description: null, readOnly: true },
    { label: 'human', value, limit: 100, description: 'The <human> you talk to.', readOnly: false },
  ];
  const compiled = compileSystemPrompt({
    system: 'You have memory blocks. {CORE_MEMORY}',
    agentType: 'letta_v1_agent',
    blocks,
    toolRules: [],
    agentId: 'agent-1',
    conversationId: 'agent-1',
    compiledAt: new Date(0),
    recallCount: 0,
  });

  const reply = await say([
    { role: 'system', text: compiled },
    user('What do you know about me? Who are you?'),
  ]);

  expect(text(reply)).toContain(`My memory says about you: ${value}`);
  expect(text(reply)).toContain('My persona block says: I am Pip.');
});

it('keeps to a block it may write', async () => {
  const readOnly: PromptMessage = {
    role: 'system',
    text: `<memory_blocks>\n${block('human', '', '- read_only=true\n')}\n${block('facts', '')}\n</memory_blocks>`,
  };

  expect(calls(await say([readOnly, user('I like tea')]))).toEqual([
    ['memory_insert', { label: 'facts', new_string: 'Likes tea.' }],
  ]);
});

it('tells what a tool answered and that it failed', async () => {
  const asked = [system(''), user('call roll_dice'), assistant([{ type: 'tool_call', id: 'a', name: 'roll_dice', arguments: '{}' }])]; // prettier-ignore

  expect(text(await say([...asked, result('a', envelope('4'))]))).toBe(
    '[demo model] The tool roll_dice returned: 4',
  );
  expect(text(await say([...asked, result('a', envelope('no die', 'Failed'))]))).toBe(
    '[demo model] The tool roll_dice failed: no die',
  );
});

it('says when a tool it would need is not attached', async () => {
  const reply = await say([system(''), user('My name is Ada')], { tools: [] });

  expect(calls(reply)).toEqual([]);
  expect(text(reply)).toContain('I would need the tool memory_insert for that, and it is not attached');
});

it('obeys a tool choice', async () => {
  const messages = [system(''), user('Hello')];

  expect(calls(await say(messages, { toolChoice: { name: 'roll_dice' } }))).toEqual([
    ['roll_dice', { sides: 1 }],
  ]);
  expect(calls(await say(messages, { toolChoice: 'required' }))[0]?.[0]).toBe('memory_insert');
  expect(calls(await say([system(''), user('call roll_dice')], { toolChoice: 'none' }))).toEqual([]);
});

it('stops when it is cancelled', async () => {
  const slow = createDemoClient({ delayMs: 60_000 });
  const controller = new AbortController();

  const cancelled = failure(call(slow, modelRequest({ messages: [user('Hi')] }), controller.signal));
  controller.abort();

  expect(await cancelled).toMatchObject({ code: 'CANCELLED' });
});
