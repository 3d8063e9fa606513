import fc from 'fast-check';
import type { Message, MessagePart } from '../../../domain/message';
import { planStep } from '../../../domain/plan-step';
import { findGaps, wholeTranscript } from '../../../domain/whole-transcript';
import { buildMessage, buildStep } from '../../support/build-step';
import { checkRequest } from '../../support/fake-openai-check';
import { buildChatRequest } from '../../../llm/openai/chat-request';

const call = (id: string): MessagePart => ({ type: 'tool_call', id, name: 'look', arguments: '{}' });
const calling = (...ids: string[]) =>
  buildMessage('assistant', ids.map(call), { id: `calling-${ids.join('-')}` });
const returned = (...ids: string[]) =>
  buildMessage(
    'tool',
    ids.map((id) => ({ type: 'tool_return', toolCallId: id, name: 'look', status: 'success', result: `of ${id}`, stdout: null, stderr: null })), // prettier-ignore
    { id: `returned-${ids.join('-')}` },
  );
const user = buildMessage('user', 'Hi');
const system = buildMessage('system', 'Be brief.');

/** The order the model reads: roles, and for calls and results their ids. */
const read = (context: readonly Message[]) =>
  context.map(({ role, parts }) => {
    const shown = parts.flatMap((part) => {
      if (part.type === 'tool_call') return [`call ${part.id}`];
      return part.type === 'tool_return' ? [`${part.effectStatus ?? 'result'} ${part.toolCallId}`] : [];
    });
    return shown.join(' ') || role;
  });

it('a whole transcript is returned as it is, and has no gaps', () => {
  const whole = [
    system,
    user,
    calling('a', 'b'),
    buildMessage('approval_response', []),
    returned('b'),
    returned('a'),
    user,
  ];

  expect(wholeTranscript(whole)).toBe(whole);
  expect(findGaps(whole)).toEqual({ dangling: [], orphaned: [] });
});

it('a call without a result gets one that says its outcome is unknown', () => {
  const broken = [system, calling('a', 'b'), returned('b'), user];

  expect(read(wholeTranscript(broken))).toEqual(['system', 'call a call b', 'result b', 'unknown a', 'user']);
  expect(findGaps(broken).dangling.map((each) => each.call.id)).toEqual(['a']);
});

it('a result without its call is left out', () => {
  const broken = [system, returned('x'), calling('a'), returned('a'), returned('a'), returned('y', 'z')];

  expect(read(wholeTranscript(broken))).toEqual(['system', 'call a', 'result a']);
  expect(findGaps(broken).orphaned.map(({ part }) => part.toolCallId)).toEqual(['x', 'a', 'y', 'z']);
});

it('a result that lies elsewhere follows its call, and no other message moves', () => {
  const broken = [system, calling('a'), user, returned('a'), user];

  expect(read(wholeTranscript(broken))).toEqual(['system', 'call a', 'result a', 'user', 'user']);
  expect(findGaps(broken)).toEqual({ dangling: [], orphaned: [] });
});

it('calls of different replies may share an id; each keeps its own result', () => {
  const shared = [calling('a'), returned('a'), user, calling('a'), returned('a')];

  expect(wholeTranscript(shared)).toBe(shared);
  expect(read(wholeTranscript([...shared, user, calling('a'), user]))).toEqual([
    ...read(shared),
    'user',
    'call a',
    'unknown a',
    'user',
  ]);
});

it('of two calls of one id in a reply the first is kept', () => {
  expect(read(wholeTranscript([calling('a', 'a'), returned('a')]))).toEqual(['call a', 'result a']);
});

it('what comes before the first gap stays byte for byte', () => {
  const whole = [system, user, calling('a', 'b'), returned('b'), returned('a')];

  const mended = wholeTranscript([...whole, calling('c'), user]);

  expect(mended.slice(0, whole.length)).toEqual(whole);
  expect(mended.slice(0, whole.length).every((message, at) => message === whole[at])).toBe(true);
});

it('no transcript whatever makes a request that a provider refuses', () => {
  const id = fc.constantFrom('a', 'b', 'c');
  const ids = fc.array(id, { minLength: 1, maxLength: 3 });
  const message = fc.oneof(
    ids.map((each) => calling(...each)),
    ids.map((each) => returned(...each)),
    fc.constant(user),
    fc.constant(buildMessage('approval_response', [])),
  );
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), (messages) => {
      const plan = planStep(buildStep({ context: [system, ...messages] }), {
        now: new Date(0),
        noteId: 'n',
        skillsNoteId: 's',
        folderNoteId: 'message-folders',
      });
      const request = {
        model: 'gpt-4.1',
        messages: plan.prompt,
        tools: [],
        toolChoice: 'none',
        parallelToolCalls: true,
        settings: { ...buildStep().settings },
      } as const;
      const body = buildChatRequest(request, { provider: 'openai', baseUrl: 'https://api.openai.com/v1' });
      expect(checkRequest('chat', body as unknown as Record<string, unknown>)).toBeNull();
    }),
  );
});
