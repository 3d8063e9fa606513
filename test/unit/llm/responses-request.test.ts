import type { ModelRequest } from '../../../domain/model';
import { buildResponsesRequest } from '../../../llm/openai/responses-request';
import { assistant, IMAGE, modelRequest, result, ROLL, SETTINGS, system, user } from './requests';

const OPENAI = { provider: 'openai', baseUrl: 'https://api.openai.com/v1' };
const own = (data: Record<string, unknown>) => ({ name: 'openai', data });

const reply = assistant([
  {
    type: 'reasoning',
    text: 'First.\n\nSecond.',
    signature: 'enc:1',
    provider: own({ id: 'rs_1', summaryLengths: [6, 7] }),
  },
  { type: 'text', text: 'Rolling', provider: own({ id: 'msg_1', phase: 'commentary' }) },
  { type: 'text', text: ' now.', provider: own({ id: 'msg_1', phase: 'commentary' }) },
  {
    type: 'tool_call',
    id: 'call_1',
    name: 'roll_dice',
    arguments: '{"sides":',
    provider: own({ id: 'fc_1' }),
  },
  {
    type: 'tool_call',
    id: 'call_2',
    name: 'roll_dice',
    arguments: '{"sides":6}',
    provider: own({ id: 'fc_2' }),
  },
]);
const conversation = [system, user('Roll'), reply, result('call_1', 'bad'), result('call_2', '4'), assistant([{ type: 'text', text: 'Four.' }])]; // prettier-ignore
const items = [
  { role: 'developer', content: 'You are kind.' },
  { role: 'user', content: 'Roll' },
  {
    type: 'reasoning',
    id: 'rs_1',
    summary: [
      { type: 'summary_text', text: 'First.' },
      { type: 'summary_text', text: 'Second.' },
    ],
    encrypted_content: 'enc:1',
  },
  {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [
      { type: 'output_text', text: 'Rolling', annotations: [] },
      { type: 'output_text', text: ' now.', annotations: [] },
    ],
    phase: 'commentary',
  },
  { type: 'function_call', id: 'fc_1', call_id: 'call_1', name: 'roll_dice', arguments: '{"sides":' },
  { type: 'function_call', id: 'fc_2', call_id: 'call_2', name: 'roll_dice', arguments: '{"sides":6}' },
  { type: 'function_call_output', call_id: 'call_1', output: 'bad' },
  { type: 'function_call_output', call_id: 'call_2', output: '4' },
  { role: 'assistant', content: 'Four.' },
];

it('sends every item of a reply back in its order, reasoning encrypted', () => {
  const body = buildResponsesRequest(
    modelRequest({
      model: 'gpt-5.2',
      messages: conversation,
      tools: [ROLL],
      user: 'user-1',
      parallelToolCalls: true,
    }),
    OPENAI,
  );

  expect(body).toEqual({
    model: 'gpt-5.2',
    input: items,
    store: false,
    include: ['reasoning.encrypted_content'],
    reasoning: { summary: 'detailed' },
    tools: [
      {
        type: 'function',
        name: 'roll_dice',
        description: 'Rolls a die.',
        parameters: ROLL.parameters,
        strict: false,
      },
    ],
    tool_choice: 'auto',
    parallel_tool_calls: true,
    user: 'user-1',
    prompt_cache_retention: '24h',
    stream: true,
  });
});

it('shows what one account has encrypted to no other account of the same provider', () => {
  const mark = 'provider-1/1';
  const made = assistant([
    { type: 'reasoning', text: 'Hm', signature: 'enc:1', provider: { name: mark, data: { id: 'rs_1' } } },
    { type: 'text', text: 'Yes', provider: { name: mark, data: { id: 'msg_1' } } },
  ]);
  const inputFor = (account?: string) =>
    JSON.stringify(
      buildResponsesRequest(modelRequest({ model: 'gpt-5', messages: [made] }), {
        ...OPENAI,
        ...(account !== undefined && { account }),
      }).input,
    );

  expect(inputFor(mark)).toMatch(/rs_1.*enc:1.*msg_1/);
  for (const other of [inputFor('provider-1/2'), inputFor()]) {
    expect(other).toContain('Yes');
    expect(other).not.toMatch(/rs_1|msg_1|enc:/);
  }
});

it('shows no item ids or reasoning to another provider, and none of a reply that lost its reasoning', () => {
  const foreign = buildResponsesRequest(modelRequest({ model: 'gpt-5', messages: [reply] }), {
    ...OPENAI,
    provider: 'xai',
  });
  const lost = assistant([
    { type: 'reasoning', text: 'Hm', signature: null, provider: own({ id: 'rs_1' }) },
    { type: 'text', text: 'Yes', provider: own({ id: 'msg_1' }) },
  ]);

  expect(JSON.stringify(foreign.input)).not.toMatch(/rs_1|msg_1|fc_1|enc:/);
  expect(buildResponsesRequest(modelRequest({ model: 'gpt-5', messages: [lost] }), OPENAI).input).toEqual([
    { role: 'assistant', content: 'Yes' },
  ]);
});

it('sends a refusal back as a refusal', () => {
  const refused = assistant([
    { type: 'text', text: 'I won’t.', provider: own({ id: 'msg_9', refusal: true }) },
  ]);

  expect(buildResponsesRequest(modelRequest({ model: 'gpt-5', messages: [refused] }), OPENAI).input).toEqual([
    {
      type: 'message',
      id: 'msg_9',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'refusal', refusal: 'I won’t.' }],
    },
  ]);
});

it('shows the pictures of a result in its output', () => {
  const messages = [...conversation.slice(0, 3), { ...result('call_1', 'one'), images: [IMAGE] }];

  expect(buildResponsesRequest(modelRequest({ messages }), OPENAI).input).toContainEqual({
    type: 'function_call_output',
    call_id: 'call_1',
    output: [
      { type: 'input_text', text: 'one' },
      { type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' },
    ],
  });
});

it('sends pictures', () => {
  const parts = [
    { type: 'image' as const, source: { type: 'base64' as const, mediaType: 'image/png', data: 'AAAA' } },
  ];

  expect(
    buildResponsesRequest(modelRequest({ model: 'o3', messages: [{ role: 'user', parts }] }), OPENAI).input,
  ).toEqual([
    {
      role: 'user',
      content: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA', detail: 'auto' }],
    },
  ]);
});

describe('settings', () => {
  const settings = (model: string, fields: Partial<ModelRequest['settings']>) =>
    modelRequest({ model, tools: [ROLL], settings: { ...SETTINGS, ...fields } });
  const format = {
    type: 'json_schema',
    json_schema: { name: 'answer', schema: { type: 'object' }, strict: true },
  };
  const cases: readonly [string, ModelRequest, Record<string, unknown>, readonly string[]][] = [
    ['no temperature to reasoning models', settings('gpt-5', { temperature: 1, maxOutputTokens: 50 }), { max_output_tokens: 50 }, ['temperature', 'text']],
    ['temperature to a chat model of the family', settings('gpt-5-chat-latest', { temperature: 1 }), { temperature: 1 }, ['reasoning', 'include']],
    ['effort and verbosity', settings('gpt-5', { reasoningEffort: 'minimal', verbosity: 'low' }), { reasoning: { effort: 'minimal', summary: 'detailed' }, text: { verbosity: 'low' } }, []],
    ['the nearest effort a model takes', settings('gpt-5.2', { reasoningEffort: 'minimal' }), { reasoning: { effort: 'none' } }, []],
    ['neither verbosity nor parallel calls to the o-series', settings('o3', { verbosity: 'low', reasoningEffort: 'none' }), { reasoning: { effort: 'low' } }, ['text', 'parallel_tool_calls']],
    ['a schema format flat', settings('gpt-5', { responseFormat: format }), { text: { format: { type: 'json_schema', name: 'answer', schema: { type: 'object' }, strict: true } } }, []],
  ]; // prettier-ignore
  it.each(cases)('send %s', (_title, request, present, absent) => {
    const body = buildResponsesRequest(request, OPENAI);

    expect(body).toMatchObject(present);
    for (const field of absent) expect(body).not.toHaveProperty(field);
  });
});

it('builds the same bytes again and only appends to them', () => {
  const bytes = (length: number) =>
    JSON.stringify(
      buildResponsesRequest(modelRequest({ model: 'gpt-5', messages: conversation.slice(0, length) }), OPENAI)
        .input,
    );

  expect(bytes(6)).toBe(bytes(6));
  for (let length = 1; length < conversation.length; length++) {
    expect(bytes(length + 1).startsWith(bytes(length).slice(0, -1))).toBe(true);
  }
});
