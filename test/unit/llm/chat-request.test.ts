import type { ModelRequest } from '../../../domain/model';
import { buildChatRequest } from '../../../llm/openai/chat-request';
import { assistant, IMAGE, modelRequest, result, ROLL, SETTINGS, system, user } from './requests';

const OPENAI = { provider: 'openai', baseUrl: 'https://api.openai.com/v1' };
const OLLAMA = { provider: 'ollama', baseUrl: 'http://127.0.0.1:11434/v1' };

const call = { type: 'tool_call' as const, id: 'call_1', name: 'roll_dice', arguments: '{"sides":6}' };
const conversation = [
  system,
  user('Roll'),
  assistant([{ type: 'text', text: 'Rolling.' }, call]),
  result('call_1', '4'),
  assistant([{ type: 'text', text: 'A four.' }]),
];

it('shows pictures of results after the last of neighbouring results, where they cannot come in between', () => {
  const shown = { ...result('call_1', 'one'), images: [IMAGE] };
  const messages = [
    user('Look'),
    assistant([call, { ...call, id: 'call_2' }]),
    shown,
    result('call_2', 'two'),
    user('And?'),
  ];

  const sent = buildChatRequest(modelRequest({ messages }), OPENAI).messages;

  expect(sent.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'tool', 'user', 'user']);
  expect(sent[4]?.content).toEqual([
    { type: 'text', text: 'What the tool roll_dice returned with call call_1:' },
    { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
  ]);
});

it('sends system, user, assistant, calls and results in their order', () => {
  const body = buildChatRequest(
    modelRequest({ messages: conversation, tools: [ROLL], user: 'user-1' }),
    OPENAI,
  );

  expect(body).toEqual({
    model: 'gpt-4.1',
    messages: [
      { role: 'system', content: 'You are kind.' },
      { role: 'user', content: 'Roll' },
      {
        role: 'assistant',
        content: 'Rolling.',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'roll_dice', arguments: '{"sides":6}' } },
        ],
      },
      { role: 'tool', tool_call_id: 'call_1', content: '4' },
      { role: 'assistant', content: 'A four.' },
    ],
    tools: [
      {
        type: 'function',
        function: { name: 'roll_dice', description: 'Rolls a die.', parameters: ROLL.parameters },
      },
    ],
    tool_choice: 'auto',
    parallel_tool_calls: false,
    user: 'user-1',
    prompt_cache_retention: '24h',
    stream: true,
    stream_options: { include_usage: true },
  });
});

it('sends pictures as URLs or inline data', () => {
  const message = {
    role: 'user' as const,
    parts: [
      { type: 'text' as const, text: 'Look' },
      {
        type: 'image' as const,
        source: { type: 'url' as const, url: 'https://example.com/a.png' },
        detail: 'low',
      },
      { type: 'image' as const, source: { type: 'base64' as const, mediaType: 'image/png', data: 'AAAA' } },
    ],
  };

  expect(buildChatRequest(modelRequest({ messages: [message] }), OPENAI).messages).toEqual([
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Look' },
        { type: 'image_url', image_url: { url: 'https://example.com/a.png', detail: 'low' } },
        { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
      ],
    },
  ]);
});

describe('settings', () => {
  const settings = (fields: Partial<ModelRequest['settings']>, more: Partial<ModelRequest> = {}) =>
    modelRequest({ settings: { ...SETTINGS, ...fields }, ...more });
  const cases: readonly [string, ModelRequest, typeof OPENAI, Record<string, unknown>, readonly string[]][] = [
    ['the output limit by OpenAI’s name', settings({ maxOutputTokens: 100 }), OPENAI, { max_completion_tokens: 100 }, ['max_tokens']],
    ['the output limit by the older name elsewhere', settings({ maxOutputTokens: 100 }), OLLAMA, { max_tokens: 100 }, ['max_completion_tokens']],
    ['temperature and penalty', settings({ temperature: 0, frequencyPenalty: 0.5 }), OPENAI, { temperature: 0, frequency_penalty: 0.5 }, []],
    ['no effort to a model that does not reason', settings({ reasoningEffort: 'minimal', verbosity: 'low' }), OPENAI, {}, ['reasoning_effort', 'verbosity']],
    ['effort to a routed reasoning model', settings({ reasoningEffort: 'high', temperature: 1 }, { model: 'openai/gpt-5' }), { provider: 'openrouter', baseUrl: 'https://openrouter.ai/api/v1' }, { reasoning_effort: 'high' }, ['temperature', 'prompt_cache_retention', 'user']],
    ['the response format as stored', settings({ responseFormat: { type: 'json_object' } }), OPENAI, { response_format: { type: 'json_object' } }, []],
    ['no tool settings without tools', modelRequest({ toolChoice: 'required', parallelToolCalls: true }), OPENAI, {}, ['tools', 'tool_choice', 'parallel_tool_calls']],
    ['a forced tool', modelRequest({ tools: [ROLL], toolChoice: { name: 'roll_dice' }, parallelToolCalls: true }), OPENAI, { tool_choice: { type: 'function', function: { name: 'roll_dice' } }, parallel_tool_calls: true }, []],
    ['no user to other providers', modelRequest({ user: 'user-1' }), OLLAMA, {}, ['user', 'prompt_cache_retention']],
  ]; // prettier-ignore
  it.each(cases)('send %s', (...[, request, target, present, absent]) => {
    const body = buildChatRequest(request, target);

    expect(body).toMatchObject(present);
    for (const field of absent) expect(body).not.toHaveProperty(field);
  });
});

it('makes tools strict only on request, and only those that can be', () => {
  const free = {
    name: 'free',
    description: '',
    parameters: { type: 'object', properties: { any: { type: 'object' } } },
  };
  const request = modelRequest({ tools: [ROLL, free], settings: { ...SETTINGS, strict: true } });

  expect(buildChatRequest(request, OPENAI).tools).toMatchObject([
    {
      function: {
        strict: true,
        parameters: {
          required: ['sides', 'label'],
          additionalProperties: false,
          properties: { sides: { type: 'integer' }, label: { type: ['string', 'null'] } },
        },
      },
    },
    { function: { name: 'free', parameters: free.parameters } },
  ]);
  expect(JSON.stringify(buildChatRequest(request, OPENAI).tools?.[1])).not.toContain('strict');
});

it('gives OpenAI a malformed call back as it was and other servers JSON', () => {
  const messages = [
    user('Hi'),
    assistant([{ ...call, name: 'bad name!', arguments: '{"sides":' }]),
    result('call_1', 'no'),
  ];
  const replayed = (target: typeof OPENAI) =>
    JSON.parse(JSON.stringify(buildChatRequest(modelRequest({ messages }), target).messages[1])) as unknown;

  expect(replayed(OPENAI)).toMatchObject({
    tool_calls: [{ function: { name: 'bad_name_', arguments: '{"sides":' } }],
  });
  expect(replayed(OLLAMA)).toMatchObject({
    tool_calls: [{ function: { arguments: '{"malformed_arguments":"{\\"sides\\":"}' } }],
  });
});

it('never shows reasoning to a server that did not ask for it', () => {
  const thought = {
    type: 'reasoning' as const,
    text: 'Hmm',
    signature: 's',
    provider: { name: 'anthropic', data: {} },
  };
  const messages = [user('Hi'), assistant([thought]), assistant([thought, { type: 'text', text: 'Yes' }])];

  expect(buildChatRequest(modelRequest({ messages }), OPENAI).messages).toEqual([
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'Yes' },
  ]);
});

it('gives DeepSeek its reasoning back beside tool calls and OpenRouter its details', () => {
  const details = [{ type: 'reasoning.encrypted', data: 'xyz', index: 0 }];
  const thought = (name: string, data = {}) => ({
    type: 'reasoning' as const,
    text: 'Hmm',
    signature: null,
    provider: { name, data },
  });
  const body = (provider: string, data = {}) =>
    buildChatRequest(
      modelRequest({
        messages: [user('Hi'), assistant([thought(provider, data), call]), result('call_1', '4')],
      }),
      { provider, baseUrl: 'http://x/v1' },
    ).messages[1];

  expect(body('deepseek')).toMatchObject({ reasoning_content: 'Hmm' });
  expect(body('openrouter', { reasoningDetails: details })).toMatchObject({ reasoning_details: details });
  expect(body('vllm')).not.toHaveProperty('reasoning_content');
});

it('builds the same bytes again and only appends to them', () => {
  const bytes = (length: number) => {
    const body = buildChatRequest(
      modelRequest({ messages: conversation.slice(0, length), tools: [ROLL] }),
      OPENAI,
    );
    return { whole: JSON.stringify(body), messages: JSON.stringify(body.messages) };
  };

  expect(bytes(4).whole).toBe(bytes(4).whole);
  for (let length = 1; length < conversation.length; length++) {
    expect(bytes(length + 1).messages.startsWith(bytes(length).messages.slice(0, -1))).toBe(true);
  }
});
