import { framedSummary } from '../../../domain/framed-summary';
import { toWireMessages, toAlertTime } from '../../../api/wire/message';
import { toWireResponse } from '../../../api/wire/run';
import { fragmentsOf } from '../../../domain/message-fragments';
import type { Message } from '../../../domain/message';
import type { Run } from '../../../db/runs';
import type { StopReason } from '../../../domain/run';
import { usageOf, type StepUsage } from '../../../domain/usage';
import { sampleBody } from '../../support/letta-samples';
import { storedMessage } from '../../support/stored-message';

const at = (time: string): Date => new Date(`2026-11-24T${time}.700Z`);
const json = (value: unknown): string => JSON.stringify(value, null, 1);
const wire = (messages: readonly Message[]) => messages.flatMap((message) => toWireMessages(message));

function response(
  stopReason: StopReason,
  messages: readonly Message[],
  steps: readonly Partial<StepUsage>[],
): unknown {
  const none = { cacheWriteTokens: null, reasoningTokens: null, cachedInputTokens: 10, completionTokens: 20 };
  const usage = usageOf(steps.map((step) => ({ promptTokens: null, totalTokens: null, ...none, ...step })));
  return toWireResponse({ run: { stopReason } as Run, messages, usage }); // only stopReason is read
}

const toolReturn = {
  type: 'tool_return',
  toolCallId: 'call_mock2_0',
  name: 'memory_replace',
  status: 'success',
  result: "The human's name is Brad. They like vibe coding.",
  stdout: null,
  stderr: null,
} as const;

describe('toWireMessages', () => {
  it('writes a turn with a tool call byte for byte as the original does', () => {
    const shared = { runId: 'run-d7d3b42f-53a1-4e88-9395-ce0774fad247' };
    const first = {
      ...shared,
      stepId: 'step-abf72799-47d0-43ac-aa58-ff91c8b91c38',
      createdAt: at('01:28:59'),
    };
    const messages = [
      storedMessage({
        ...first,
        id: 'message-4866982f-af7c-41cf-af15-f319507687ca',
        role: 'assistant',
        parts: [
          {
            type: 'tool_call',
            id: 'call_mock2_0',
            name: 'memory_replace',
            arguments: '{"label":"human","old_string":"Chad","new_string":"Brad"}',
          },
        ],
      }),
      storedMessage({
        ...first,
        id: 'message-a38a6c46-23b6-434a-8260-d2ffbb35510a',
        role: 'tool',
        parts: [toolReturn],
      }),
      storedMessage({
        ...shared,
        id: 'message-ea8f7a74-c2a6-450a-9b5e-3d2f083fa491',
        stepId: 'step-267f1cfe-53ab-4523-a511-658ece4efb78',
        createdAt: at('01:29:00'),
        role: 'assistant',
        parts: [{ type: 'text', text: 'Done. I saw 1 tool result(s).' }],
      }),
    ];
    const steps = [
      { promptTokens: 102, totalTokens: 122 },
      { promptTokens: 103, totalTokens: 123 },
    ];

    const body = response('end_turn', messages, steps);

    expect(json(body)).toBe(json(sampleBody('agents.messages.create.input.json')));
  });

  it('splits a reply into reasoning and text with one id and counted otids', () => {
    const message = storedMessage({
      id: 'message-55434a37-8576-4d87-ad65-f6de44f8eae5',
      runId: 'run-bd3386d3-6e9e-4218-be19-02c0beab4480',
      stepId: 'step-0617ec14-6ab9-4425-b834-7ff06def7e50',
      createdAt: at('01:52:57'),
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: '**Thinking** the mock reasons a little.', signature: 'ENC' },
        { type: 'text', text: 'Hello! I am the mock model and you said: hi' },
      ],
    });
    const steps = [{ promptTokens: 149, totalTokens: 179, completionTokens: 30, reasoningTokens: 8 }];

    const body = response('end_turn', [message], steps);

    expect(json(body)).toBe(json(sampleBody('messages.create.gpt52_reasoning.json')));
  });

  it('keeps the arguments of an approval request as the model wrote them and its message id as otid', () => {
    const message = storedMessage({
      id: 'message-27664a27-645f-4ea2-910f-5e352b35bfb3',
      runId: 'run-56a27565-d0f0-47ed-8c4a-e887500391a2',
      stepId: 'step-890de7c5-07f1-4dfd-a2e1-0856aa21b43a',
      createdAt: at('01:50:52'),
      role: 'approval_request',
      parts: [{ type: 'tool_call', id: 'call_mock44_0', name: 'roll_dice', arguments: '{"sides":6}' }],
    });

    const body = response('requires_approval', [message], [{ promptTokens: 144, totalTokens: 164 }]);

    expect(json(body)).toBe(json(sampleBody('approval.1.request.json')));
  });

  it('shows the calls that wait for an answer after those of the same reply that do not', () => {
    const call = (id: string) => ({ type: 'tool_call', id, name: id, arguments: '{}' }) as const;
    const parts = [call('asked'), { ...call('free'), waits: false as const }, call('asked_too')];

    const shown = toWireMessages(
      storedMessage({ id: 'message-27664a27-645f-4ea2-910f-5e352b35bfb3', role: 'approval_request', parts }),
    );

    expect(shown).toMatchObject([
      { message_type: 'tool_call_message', tool_calls: [{ tool_call_id: 'free' }] },
      {
        message_type: 'approval_request_message',
        tool_calls: [{ tool_call_id: 'asked' }, { tool_call_id: 'asked_too' }],
      },
    ]);
  });

  it('shows a denied call: the request, the answer and the return', () => {
    const step = { stepId: 'step-4456244b-4079-4750-bfb4-0b07145f8226' };
    const first = { ...step, runId: 'run-86e8bb90-cc65-4aa2-887d-171595997441', createdAt: at('01:53:01') };
    const second = { runId: 'run-2f6b1cd4-31fa-427f-b6ec-92b344ce6152', createdAt: at('01:53:02') };
    const messages = [
      storedMessage({
        ...first,
        id: 'message-b2c550a6-0c1a-4b59-a2bb-0929ed84c3b4',
        role: 'user',
        otid: '7a772d20-6566-43f5-a950-bb6a4327277e',
        parts: [{ type: 'text', text: 'CALL roll_dice {"sides":6}' }],
      }),
      storedMessage({
        ...first,
        id: 'message-79bc75c3-f72e-4705-97f7-a8a1b07a07ba',
        role: 'approval_request',
        parts: [{ type: 'tool_call', id: 'call_mock54_0', name: 'roll_dice', arguments: '{"sides":6}' }],
      }),
      storedMessage({
        ...second,
        ...step,
        id: 'message-7d594c5f-fa27-47b7-b612-acca7fc25886',
        role: 'approval_response',
        parts: [{ type: 'approval', toolCallId: 'call_mock54_0', approve: false, reason: 'too risky' }],
      }),
      storedMessage({
        ...second,
        ...step,
        id: 'message-5a41c7d8-f207-4b12-b20e-bde5622c9a34',
        role: 'tool',
        parts: [
          {
            ...toolReturn,
            toolCallId: 'call_mock54_0',
            name: '',
            status: 'error',
            result: 'Error: request to call tool denied. User reason: too risky',
          },
        ],
      }),
    ];

    const recorded = sampleBody('messages.list.after_approvals.json') as unknown[]; // a list of messages

    expect(json(wire(messages))).toBe(json(recorded.slice(1, 5)));
  });

  it('shows the output streams of a tool beside its return', () => {
    const message = storedMessage({
      id: 'message-4c954736-9728-4670-873a-830f31c91705',
      runId: 'run-532ddea3-ce0c-4375-9a1f-b81d768feddd',
      stepId: 'step-890de7c5-07f1-4dfd-a2e1-0856aa21b43a',
      createdAt: at('01:51:00'),
      role: 'tool',
      parts: [
        {
          type: 'tool_return',
          toolCallId: 'call_mock44_0',
          name: 'roll_dice',
          status: 'success',
          result: 'rolled 6 x1 agent=agent-3d53e657-1480-4ac3-9567-1f582495e422',
          stdout: ['rolling in sekret\n'],
          stderr: [],
        },
      ],
    });

    const recorded = sampleBody('approval.3.approve.json') as { messages: unknown[] }; // a Letta response

    expect(json(wire([message])[0])).toBe(json(recorded.messages[0]));
  });

  const id = 'message-00000000-0000-4000-8000-0000000000ff';
  const call = (name: string) =>
    ({ type: 'tool_call', id: `call-${name}`, name, arguments: '{"a":1}' }) as const;

  it('puts all calls of a reply into one tool_call_message', () => {
    const message = storedMessage({ id, role: 'assistant', parts: [call('one'), call('two')] });

    expect(wire([message])).toMatchObject([
      {
        message_type: 'tool_call_message',
        tool_call: { name: 'one' },
        tool_calls: [{ name: 'one' }, { name: 'two' }],
      },
    ]);
  });

  it.each([
    [
      'redacted reasoning',
      { type: 'redacted_reasoning', data: 'xyz' },
      { state: 'redacted', hidden_reasoning: 'xyz' },
    ],
    [
      'reasoning without a text',
      { type: 'reasoning', text: '', signature: 'ENC' },
      { state: 'omitted', hidden_reasoning: null },
    ],
  ] as const)('shows %s as hidden', (_title, part, expected) => {
    const message = storedMessage({ id, role: 'assistant', parts: [part] });

    expect(wire([message])).toMatchObject([{ message_type: 'hidden_reasoning_message', ...expected }]);
  });

  it('shows user content of several parts as parts, and one text as a string', () => {
    const text = { type: 'text', text: 'look' } as const;
    const image = {
      type: 'image',
      source: { type: 'base64', mediaType: 'image/png', data: 'aGk=' },
    } as const;

    expect(wire([storedMessage({ id, role: 'user', parts: [text] })])).toMatchObject([{ content: 'look' }]);
    expect(wire([storedMessage({ id, role: 'user', parts: [text, image] })])).toMatchObject([
      {
        content: [
          { type: 'text', text: 'look', signature: null },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=', detail: null } },
        ],
      },
    ]);
  });

  it('shows a summary as a system alert in a user message, and a note as a system message', () => {
    const parts = [{ type: 'text', text: 'so far: "é"' }] as const;

    const [summary] = wire([storedMessage({ id, role: 'summary', parts })]) as { content: string }[];
    expect(summary).toMatchObject({ message_type: 'user_message' });
    expect(summary!.content).toMatch(
      /^\{"type": "system_alert", "message": ".*so far: \\"\\u00e9\\"", "time": "/,
    );
    expect(JSON.parse(summary!.content)).toEqual({
      type: 'system_alert',
      message: framedSummary('so far: "é"'),
      time: '2026-11-24 01:28:59 AM UTC+0000',
    });
    expect(wire([storedMessage({ id, role: 'note', parts })])).toMatchObject([
      { message_type: 'system_message' },
    ]);
  });

  it('shows a summary that its request wanted to hear of as one, with what it did to the context', () => {
    const stats = { trigger: 'manual', messagesBefore: 9, messagesAfter: 2, tokensBefore: 500, tokensAfter: 90, contextWindow: 8_000 } as const; // prettier-ignore
    const parts = [
      { type: 'text', text: 'so far' },
      { type: 'compaction', ...stats, isTold: true },
    ] as const;

    expect(wire([storedMessage({ id, role: 'summary', parts })])).toMatchObject([
      {
        message_type: 'summary_message',
        summary: 'so far',
        compaction_stats: {
          trigger: 'manual',
          context_tokens_before: 500,
          context_tokens_after: 90,
          context_window: 8_000,
          messages_count_before: 9,
          messages_count_after: 2,
        },
      },
    ]);
  });

  it('leaves out types that were not asked for', () => {
    const parts = [{ type: 'text', text: 'hi' }, call('one')] as const;

    const shown = toWireMessages(storedMessage({ id, role: 'assistant', parts }), {
      includeTypes: ['assistant_message'],
    });

    expect(shown.map((message) => message.message_type)).toEqual(['assistant_message']);
  });
});

describe('fragmentsOf', () => {
  it('numbers fragments by their first part, so that a number is known before the reply is complete', () => {
    const call = { type: 'tool_call', id: 'c', name: 'n', arguments: '' } as const;
    const parts = [
      { type: 'text', text: '' },
      { type: 'text', text: 'a' },
      call,
      { type: 'text', text: 'b' },
      call,
    ] as const;

    expect(fragmentsOf({ role: 'assistant', parts })).toEqual([
      { index: 1, kind: 'assistant', partIndexes: [1] },
      { index: 2, kind: 'tool_call', partIndexes: [2, 4] },
      { index: 3, kind: 'assistant', partIndexes: [3] },
    ]);
  });
});

it.each([
  ['2026-11-24T00:05:09Z', '2026-11-24 12:05:09 AM UTC+0000'],
  ['2026-11-24T13:05:09Z', '2026-11-24 01:05:09 PM UTC+0000'],
])('tells a model that it is %s as %s', (date, text) => {
  expect(toAlertTime(new Date(date))).toBe(text);
});
