import type { ModelReply } from '../../../domain/model';
import { planStep } from '../../../domain/plan-step';
import { createDeltaView, readReply } from '../../../domain/read-reply';
import type { OpenedStep } from '../../../domain/turn-state';
import { toWireMessages } from '../../../api/wire/message';
import { buildMessage, buildOffered, buildStep } from '../../support/build-step';

const plan = (facts: Partial<OpenedStep> = {}) =>
  planStep(
    buildStep({ tools: [buildOffered('look'), buildOffered('edit', { effects: 'transactional', enableParallelExecution: false })], ...facts }), // prettier-ignore
    { now: new Date(0), noteId: 'note', skillsNoteId: 'skills', folderNoteId: 'message-folders' },
  );
const call = (name: string, args = '{}') =>
  ({ type: 'tool_call', id: `call_${name}`, name, arguments: args }) as const;
const text = { type: 'text', text: 'Hello.' } as const;
const reply = (
  parts: ModelReply['parts'],
  finishReason: ModelReply['finishReason'] = 'stop',
): ModelReply => ({
  parts,
  finishReason,
  usage: { promptTokens: 1, completionTokens: 1, totalTokens: 2, cachedInputTokens: null, cacheWriteTokens: null, reasoningTokens: null }, // prettier-ignore
  responseId: null,
});
const read = (
  parts: ModelReply['parts'],
  facts: Partial<OpenedStep> = {},
  finish?: ModelReply['finishReason'],
) =>
  readReply({
    plan: plan(facts),
    reply: reply(parts, finish),
    messageId: 'message-1',
    noteId: 'message-note',
  });

it('words alone end the turn', () => {
  const { stopReason, messages, calls, events } = read([text]);

  expect(stopReason).toBe('end_turn');
  expect(messages).toMatchObject([{ id: 'message-1', role: 'assistant', parts: [text], inContext: true }]);
  expect(calls).toEqual([]);
  expect(events).toEqual([{ type: 'message', messageId: 'message-1', fragment: 0 }]);
});

it('calls let the turn go on and stay out of the context until their results are there', () => {
  const { stopReason, messages, calls } = read([text, call('look'), call('edit')]);

  expect(stopReason).toBeNull();
  expect(messages).toMatchObject([{ role: 'assistant', inContext: false }]);
  expect(calls).toEqual([
    { index: 0, name: 'look', effects: 'read', parallel: true },
    { index: 1, name: 'edit', effects: 'transactional', parallel: false },
  ]);
});

it('without parallel calls the first one of a reply counts', () => {
  const { calls, messages } = read([call('look'), call('edit')], { parallelToolCalls: false });

  expect(calls.map(({ name }) => name)).toEqual(['look']);
  expect(messages[0]!.parts).toEqual([call('look')]);
});

it('a reply that was cut off makes none of its calls', () => {
  const { calls, stopReason, messages } = read([text, call('look', '{"que')], {}, 'length');

  expect(calls).toEqual([]);
  expect(stopReason).toBe('max_tokens_exceeded');
  expect(messages[0]!.parts).toEqual([text]);
});

it('a call of a tool the agent does not have is harmless, never parallel, and refused in the recorded words', () => {
  expect(read([call('invented')]).calls).toEqual([
    {
      index: 0,
      name: 'invented',
      effects: 'read',
      parallel: false,
      refusal: "[ToolConstraintError] Cannot call invented, valid tools include: ['edit', 'look'].",
    },
  ]);
  expect(read([call('invented')], { tools: [] }).calls[0]!.refusal).toMatch(/valid tools include: \[\]\.$/);
});

it('nobody is asked about a call that is refused anyway', () => {
  const toolRules = [
    { type: 'run_first', tool_name: 'look' },
    { type: 'requires_approval', tool_name: 'edit' },
  ] as const;
  const { calls, stopReason } = read([call('edit')], { toolRules });

  expect(stopReason).toBeNull();
  expect(calls[0]).toMatchObject({ name: 'edit', refusal: expect.any(String) });
  expect(calls[0]).not.toHaveProperty('waits');
});

it('a call that a rule forbids now is answered with the reason', () => {
  const toolRules = [{ type: 'run_first', tool_name: 'look' }] as const;

  const { calls } = read([call('edit')], { toolRules });

  expect(calls).toMatchObject([{ name: 'edit' }]);
  expect(calls[0]!.refusal).toMatch(/edit.*look/s);
});

it('a reply with one call that needs approval waits for a human with all of its calls', () => {
  const toolRules = [{ type: 'requires_approval', tool_name: 'edit' }] as const;

  const { stopReason, messages, calls } = read([call('look'), call('edit')], { toolRules });

  expect(stopReason).toBe('requires_approval');
  expect(messages).toMatchObject([{ role: 'approval_request', inContext: false }]);
  expect(messages[0]!.parts).toMatchObject([{ name: 'look', waits: false }, { name: 'edit' }]);
  expect(calls.map(({ waits }) => waits)).toEqual([undefined, true]);
});

it('words do not end a turn that must call a tool first: the model is told which, unless no step is left', () => {
  const toolRules = [{ type: 'required_before_exit', tool_name: 'edit' }] as const;

  const { stopReason, messages } = read([text], { toolRules });

  expect(stopReason).toBeNull();
  expect(messages.map(({ id, role }) => [id, role])).toEqual([
    ['message-1', 'assistant'],
    ['message-note', 'note'],
  ]);
  expect(JSON.stringify(messages[1]!.parts)).toContain('edit');
  expect(read([text], { toolRules, maxSteps: 1 }).stopReason).toBe('end_turn');
});

it('arguments that a rule fixes replace the model’s own in the stored call', () => {
  const toolRules = [{ type: 'run_first', tool_name: 'look', args: { depth: 2 } }] as const;

  const { messages } = read([call('look', '{"depth":1,"at":"home"}')], { toolRules });

  expect(JSON.parse((messages[0]!.parts[0] as ReturnType<typeof call>).arguments)).toEqual({
    depth: 2,
    at: 'home',
  });
});

describe('the view of deltas', () => {
  const ids = { messageId: 'message-1', stepId: 'step-1' };
  const delta = (index: number, id: string, name?: string) =>
    ({ type: 'tool-call-delta', index, id, ...(name && { name }) }) as const;

  it('shows all calls of a reply as one message, that of the first call', () => {
    const show = createDeltaView({ ...ids, plan: plan() });

    const shown = [delta(1, 'a', 'look'), delta(2, 'b', 'edit')].map(show);

    expect(shown).toMatchObject([
      { index: 1, callId: 'a' },
      { index: 1, callId: 'b' },
    ]);
  });

  it('leaves out calls that the turn will not make', () => {
    const show = createDeltaView({ ...ids, plan: plan({ parallelToolCalls: false }) });

    expect([delta(0, 'a', 'look'), delta(1, 'b', 'edit'), delta(0, 'a')].map(show)).toMatchObject([
      { callId: 'a' },
      null as never,
      { callId: 'a' },
    ]);
  });

  it('shows the calls that wait apart from those beside them', () => {
    const toolRules = [{ type: 'requires_approval', tool_name: 'edit' }] as const;
    const show = createDeltaView({ ...ids, plan: plan({ toolRules }) });

    const shown = [delta(0, 'a', 'look'), delta(1, 'b', 'edit'), delta(2, 'c', 'look'), delta(1, 'b')].map(
      show,
    );

    expect(shown.map((event) => event && 'index' in event && event.index)).toEqual([0, 1, 0, 1]);
  });

  it('marks every delta of a call that waits for approval', () => {
    const toolRules = [{ type: 'requires_approval', tool_name: 'edit' }] as const;
    const show = createDeltaView({ ...ids, plan: plan({ toolRules }) });

    expect([delta(0, 'a', 'edit'), delta(0, 'a')].map(show)).toMatchObject([
      { approval: true },
      { approval: true },
    ]);
  });
});

describe('a call by which the agent speaks', () => {
  const speaking = { tools: [buildOffered('send_message', { speaks: true })] };
  const said = call('send_message', '{"message":"Hello there."}');

  it('is shown as what it says, and its return is not shown', () => {
    const { messages, calls, events } = read([said], speaking);
    const [message] = messages;

    expect(calls).toHaveLength(1);
    expect(events).toHaveLength(1);
    expect(toWireMessages(buildMessage('assistant', message!.parts))).toMatchObject([
      { message_type: 'assistant_message', content: 'Hello there.' },
    ]);
    const result = { type: 'tool_return', toolCallId: 'c', name: 'send_message', status: 'success', result: 'None', stdout: null, stderr: null } as const; // prettier-ignore
    expect(toWireMessages(buildMessage('tool', [{ ...result, speaks: true }]))).toEqual([]);
    expect(toWireMessages(buildMessage('tool', [result]))).toHaveLength(1);
  });

  it('streams as text', () => {
    const show = createDeltaView({ messageId: 'message-1', stepId: 'step-1', plan: plan(speaking) });
    const piece = (args: string, name?: string) =>
      show({
        type: 'tool-call-delta',
        index: 0,
        id: 'c',
        arguments: args,
        ...(name !== undefined && { name }),
      });

    expect(piece('{"mess', 'send_message')).toBeNull();
    expect(piece('age":"Hello')).toMatchObject({ type: 'text-delta', index: 0, text: 'Hello' });
    expect(piece(' there."}')).toMatchObject({ type: 'text-delta', text: ' there.' });
  });

  it('is shown as a request while a human is asked', () => {
    const asked = { tools: [buildOffered('send_message', { speaks: true, requiresApproval: true })] };
    const { messages } = read([said], asked);

    expect(messages[0]?.parts).toEqual([said]);
  });
});

it('a call with arguments that a rule fixes wrongly is refused, and tells why', () => {
  const rule = { type: 'run_first', tool_name: 'look', args: { nope: 1 } } as const;

  const { calls } = read([call('look')], { toolRules: [rule] });

  expect(calls).toMatchObject([
    { name: 'look', refusal: expect.stringContaining("Unknown argument 'nope'") as unknown },
  ]);
});
