import type { Message, MessagePart } from '../../../domain/message';
import { seenWith, type SpeakerView } from '../../../domain/message-view';

const call = (name: string, args: string, marks: object = {}) =>
  ({ type: 'tool_call', id: `call-${name}`, name, arguments: args, ...marks }) as const;
const outcome = (name: string, marks: object = {}) =>
  ({ type: 'tool_return', toolCallId: 'c', name, status: 'success', result: 'None', stdout: null, stderr: null, ...marks }) as const; // prettier-ignore
const plain = call('send_message', '{"message":"Hi."}');
const said = { ...plain, speaks: true } as const;
const reply = call('reply', '{"text":"Hello.","at":3}');
const seen = (
  parts: readonly MessagePart[],
  speaker: SpeakerView,
  role: Message['role'] = 'assistant',
): readonly MessagePart[] => seenWith({ role, parts }, speaker).parts;

it('without a wish, calls speak that were made to', () => {
  expect(seen([said, reply], undefined)).toEqual([said, reply]);
});

it('shows the calls themselves, and their returns, to whoever wants those', () => {
  expect(seen([said], null)).toEqual([plain]);
  expect(seen([outcome('send_message', { speaks: true })], null, 'tool')).toEqual([outcome('send_message')]);
});

it('lets the calls of another tool speak, by the argument that its reader names', () => {
  const speaker = { tool: 'reply', argument: 'text' };

  expect(seen([said, reply], speaker)).toEqual([
    call('send_message', '{"message":"Hi."}'),
    { ...reply, arguments: '{"message":"Hello."}', speaks: true },
  ]);
  expect(seen([outcome('reply')], speaker, 'tool')).toEqual([outcome('reply', { speaks: true })]);
});

it.each([
  ['a number', { tool: 'reply', argument: 'at' }, '{"message":"3"}'],
  ['nothing', { tool: 'reply', argument: 'nope' }, '{"message":""}'],
  ['inherited things', { tool: 'reply', argument: 'constructor' }, '{"message":""}'],
])('an argument that holds %s never breaks the list', (_case, speaker, expected) => {
  expect(seen([reply], speaker)[0]).toMatchObject({ arguments: expected });
  expect(seen([call('reply', 'no json')], speaker)[0]).toMatchObject({ arguments: 'no json' });
});

it('a request for approval is shown as what it asks for', () => {
  expect(seen([reply], { tool: 'reply', argument: 'text' }, 'approval_request')).toEqual([reply]);
});
