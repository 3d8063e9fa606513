import { modesOf, readCompactionSettings } from '../../../domain/compaction';
import { planCompaction } from '../../../domain/compaction-plan';
import { clip, summarizerPrompt, withoutSummary } from '../../../domain/compaction-prompts';
import { contextWindowOf, fitsSurely, isFull } from '../../../domain/context-size';
import { framedSummary, unframedSummary } from '../../../domain/framed-summary';
import type { Message, MessagePart } from '../../../domain/message';
import { boundedMessages, transcriptLine } from '../../../domain/summary-input';
import { DEFAULT_COMPACTION_PROMPT } from '../../../domain/system-prompt';
import { toUnits } from '../../../domain/transcript-units';
import { buildMessage } from '../../support/build-step';

const call = (...ids: string[]): readonly MessagePart[] =>
  ids.map((id) => ({ type: 'tool_call', id, name: 'look', arguments: '{}' }));
const result = (id: string, text = 'found'): readonly MessagePart[] => [
  {
    type: 'tool_return',
    toolCallId: id,
    name: 'look',
    status: 'success',
    result: text,
    stdout: null,
    stderr: null,
  },
];
const named = (id: string, role: Message['role'], parts: readonly MessagePart[] | string = id): Message =>
  buildMessage(role, parts, { id });
const ids = (messages: readonly Message[]): readonly string[] => messages.map(({ id }) => id);
const THREAD = [
  named('s', 'system'),
  named('u1', 'user'),
  named('a1', 'assistant', call('x', 'y')),
  named('t1', 'tool', result('y')),
  named('t2', 'tool', result('x')),
  named('a2', 'assistant'),
  named('u2', 'user'),
];
/** Ten tokens each. */
const SIZES = new Map(THREAD.map(({ id }) => [id, 10]));
const countCharacters = (texts: readonly string[]) => Promise.resolve(texts.map((text) => text.length));

describe('units', () => {
  it('hold calls with all of their results, also behind an answer of a human', () => {
    const asked = [
      named('ask', 'approval_request', call('z')),
      named('answer', 'approval_response', [
        { type: 'approval', toolCallId: 'z', approve: true, reason: null },
      ]),
      named('done', 'tool', result('z')),
      named('last', 'user'),
    ];

    expect(toUnits(THREAD).map(ids)).toEqual([['s'], ['u1'], ['a1', 't1', 't2'], ['a2'], ['u2']]);
    expect(toUnits(asked).map(ids)).toEqual([['ask', 'answer', 'done'], ['last']]);
  });

  it('of a call without a result are the call alone', () => {
    expect(toUnits([named('a', 'assistant', call('x')), named('u', 'user')]).map(ids)).toEqual([
      ['a'],
      ['u'],
    ]);
  });
});

describe('a plan', () => {
  it.each([
    [0, ['u1', 'a1', 't1', 't2', 'a2', 'u2'], []],
    [10, ['u1', 'a1', 't1', 't2', 'a2'], ['u2']],
    [45, ['u1', 'a1', 't1', 't2'], ['a2', 'u2']],
    [50, ['u1'], ['a1', 't1', 't2', 'a2', 'u2']],
  ])('that keeps %i tokens cuts between units and leaves the system message alone', (keep, dropped, kept) => {
    const plan = planCompaction(THREAD, SIZES, keep);

    expect(plan && [ids(plan.dropped), ids(plan.kept)]).toEqual([dropped, kept]);
  });

  it('is null when everything is kept, or a summary is all there is to drop', () => {
    expect(planCompaction(THREAD, SIZES, 100)).toBeNull();
    expect(
      planCompaction([named('s', 'system'), named('sum', 'summary')], new Map([['sum', 10]]), 0),
    ).toBeNull();
  });
});

describe('settings', () => {
  it('that are missing or wrong take the defaults', () => {
    const defaults = readCompactionSettings({});

    expect(defaults).toEqual({
      mode: 'sliding_window',
      model: null,
      modelSettings: null,
      prompt: null,
      promptAcknowledgement: false,
      clipChars: 50_000,
      slidingWindowPercentage: 0.3,
    });
    expect(readCompactionSettings({ mode: 'magic', clip_chars: -1, sliding_window_percentage: 'x' })).toEqual(
      defaults,
    );
    expect(readCompactionSettings({ clip_chars: null }).clipChars).toBeNull();
  });

  it('give the modes of the tries, each closer to all', () => {
    expect(modesOf('self_compact_sliding_window')).toEqual([
      'self_compact_sliding_window',
      'self_compact_all',
      'all',
    ]);
    expect(modesOf('sliding_window')).toEqual(['sliding_window', 'all', 'all']);
  });

  it('choose the words for the summarizer: a prompt of the client counts, the default goes with the mode', () => {
    const prompt = (facts: object, mode: 'all' | 'self_compact_all') =>
      summarizerPrompt(readCompactionSettings({ prompt: DEFAULT_COMPACTION_PROMPT, ...facts }), mode);

    expect(prompt({}, 'all')).not.toBe(prompt({}, 'self_compact_all'));
    expect(prompt({ prompt: 'Be brief.' }, 'self_compact_all')).toBe('Be brief.');
    expect(prompt({ prompt: 'Be brief.', prompt_acknowledgement: true }, 'all')).toMatch(/^Be brief\.\n\n./);
  });
});

describe('what a summarizer is shown', () => {
  const long = (n: number, text: string) => [
    named(`u${n}`, 'user', `question ${n}`),
    named(`a${n}`, 'assistant', call(`c${n}`)),
    named(`t${n}`, 'tool', result(`c${n}`, text)),
  ];
  const size = (messages: readonly Message[]) => messages.map(transcriptLine).join('').length;

  it('is all of it where it fits', async () => {
    expect(await boundedMessages(THREAD, 10_000, countCharacters)).toBe(THREAD);
  });

  it('loses the middle of results of tools first, and no word of anyone', async () => {
    const messages = [1, 2, 3].flatMap((n) => long(n, `begin ${'x'.repeat(9_000)} end`));

    const shown = await boundedMessages(messages, 14_000, countCharacters);

    expect(size(shown)).toBeLessThanOrEqual(14_000);
    expect(ids(shown)).toEqual(ids(messages));
    const line = transcriptLine(shown[2]!);
    expect(line).toMatch(/begin x+ \[… \d+ characters left out …\] x+ end$/);
    expect(transcriptLine(shown[0]!)).toBe('[user] question 1');
  });

  it.each([2_000, 500, 100])('is cut in the middle, between units, down to %i tokens', async (budget) => {
    const messages = Array.from({ length: 40 }, (_, n) => long(n, 'y'.repeat(2_000))).flat();

    const shown = await boundedMessages(messages, budget, countCharacters);

    expect(size(shown)).toBeLessThanOrEqual(budget);
    const calls = shown.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : [])),
    );
    const results = shown.flatMap(({ parts }) =>
      parts.flatMap((part) => (part.type === 'tool_return' ? [part.toolCallId] : [])),
    );
    expect(results).toEqual(calls);
    expect(shown.map(transcriptLine).join('\n')).toMatch(/\d+ messages are left out here/);
  });

  it('has room for arguments that stay JSON', async () => {
    const messages = [
      named('a', 'assistant', [
        { type: 'tool_call', id: 'x', name: 'write', arguments: JSON.stringify({ text: 'z'.repeat(9_000) }) },
      ]),
    ];

    const [shown] = await boundedMessages(messages, 5_000, countCharacters);

    const [part] = shown!.parts;
    expect(part?.type === 'tool_call' && JSON.parse(part.arguments)).toHaveProperty('clipped');
  });
});

it('a cut without a summary quotes the summary before, and the first and last words of the user', () => {
  const text = withoutSummary(
    [
      named('sum', 'summary', 'They met.'),
      named('u1', 'user', 'First wish.'),
      named('a', 'assistant'),
      named('u2', 'user', 'Last wish.'),
    ],
    3_000,
  );

  expect(text).toContain('4 messages');
  expect(text.match(/They met\.|First wish\.|Last wish\./g)).toEqual([
    'They met.',
    'First wish.',
    'Last wish.',
  ]);
});

it('a clipped text keeps its beginning and its end', () => {
  expect(clip('short', 5)).toBe('short');
  expect(clip('abcdefghij', 6)).toBe('abcd [… 4 characters left out …] ij');
});

it('a summary comes out of its frame as it went in', () => {
  expect(unframedSummary(framedSummary('They met.'))).toBe('They met.');
  expect(unframedSummary('They met.')).toBe('They met.');
});

it('a request fits surely only if no text of its length could be too long', () => {
  const request = (text: string) => ({ messages: [{ role: 'system' as const, text }], tools: [] });

  expect(fitsSurely(request('x'.repeat(290)), 1_000)).toBe(true);
  expect(fitsSurely(request('x'.repeat(310)), 1_000)).toBe(false);
  expect([isFull(900, 1_000), isFull(901, 1_000)]).toEqual([false, true]);
  expect([
    contextWindowOf(null, { contextWindow: 7 }),
    contextWindowOf(9, { contextWindow: 7 }),
    contextWindowOf(5, { contextWindow: 7 }),
  ]).toEqual([7, 7, 5]);
});
