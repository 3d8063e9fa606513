import { McpCallAnswer, mcpOutcome } from '../../../domain/mcp-result';

const outcomeOf = (answer: object) => mcpOutcome(McpCallAnswer.parse(answer));
const text = (words: string) => ({ type: 'text', text: words });

it('joins texts and describes everything else', () => {
  const { status, result } = outcomeOf({
    content: [
      text('one'),
      { type: 'image', data: 'aGVsbG8=', mimeType: 'image/png' },
      { type: 'audio', data: 'aGVsbG8h', mimeType: 'audio/wav' },
      { type: 'resource_link', name: 'a', uri: 'file:///a', description: 'the first' },
      { type: 'resource', resource: { uri: 'file:///b', mimeType: 'text/plain', text: 'inside' } },
      { type: 'resource', resource: { uri: 'file:///c', blob: 'aGVsbG8=' } },
      { type: 'hologram' },
      text('two'),
    ],
  });

  expect(status).toBe('success');
  expect(result.split('\n')).toEqual([
    'one',
    '[image: image/png, 5 bytes]',
    '[audio: audio/wav, 6 bytes]',
    '[resource link: a, file:///a, the first]',
    '[resource: file:///b, text/plain]',
    'inside',
    '[resource: file:///c, 5 bytes]',
    '[content of type hologram]',
    'two',
  ]);
});

it.each([
  ['nothing else is said', [], '{"a":1,"b":2}'],
  ['a text says something else', [text('two numbers')], 'two numbers\n{"a":1,"b":2}'],
  ['a text says the same in another layout', [text('{ "b": 2,\n "a": 1 }')], '{ "b": 2,\n "a": 1 }'],
  ['a text only looks like JSON', [text('{a')], '{a\n{"a":1,"b":2}'],
])('adds structured content where %s', (_what, content, result) => {
  expect(outcomeOf({ content, structuredContent: { a: 1, b: 2 } }).result).toBe(result);
});

it('leaves structured content out that only wraps the text', () => {
  expect(outcomeOf({ content: [text('tea')], structuredContent: { result: 'tea' } }).result).toBe('tea');
  expect(outcomeOf({ content: [text('7')], structuredContent: { result: 7 } }).result).toBe('7');
  expect(outcomeOf({ content: [text('tea')], structuredContent: { result: 'coffee' } }).result).toBe(
    'tea\n{"result":"coffee"}',
  );
});

it('says so when there is nothing, and takes the word of a server that it failed', () => {
  expect(outcomeOf({})).toMatchObject({
    status: 'success',
    result: 'The tool answered without any content.',
  });
  expect(outcomeOf({ isError: true, content: [text('no')] })).toEqual({
    status: 'error',
    result: 'no',
    stdout: null,
    stderr: ['no'],
  });
});

it.each([[{ content: 'text' }], [{ content: [{ text: 'a' }] }], [{ structuredContent: 7 }]])(
  '%j is no answer',
  (answer) => {
    expect(McpCallAnswer.safeParse(answer).success).toBe(false);
  },
);
