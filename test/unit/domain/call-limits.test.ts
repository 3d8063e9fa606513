import { cutArguments, MAX_CALLS, nameInHistory, refusalBeyondLimits } from '../../../domain/call-limits';
import type { ToolCallPart } from '../../../domain/message';
import { planStep } from '../../../domain/plan-step';
import { createDeltaView, readReply } from '../../../domain/read-reply';
import { buildOffered, buildStep } from '../../support/build-step';

const call = (id: string, args = '{}'): ToolCallPart => ({
  type: 'tool_call',
  id,
  name: 'look',
  arguments: args,
});
const calls = (count: number) => Array.from({ length: count }, (_each, index) => call(`call-${index}`));
const usage = { promptTokens: 1, completionTokens: 1, totalTokens: 2, cachedInputTokens: null, cacheWriteTokens: null, reasoningTokens: null }; // prettier-ignore
const planOf = (requiresApproval = false) =>
  planStep(buildStep({ tools: [buildOffered('look', { requiresApproval })] }), {
    now: new Date(0),
    noteId: 'n',
    skillsNoteId: 's',
    folderNoteId: 'message-folders',
  });
const read = (parts: readonly ToolCallPart[], requiresApproval = false) =>
  readReply({
    plan: planOf(requiresApproval),
    reply: { parts, finishReason: 'tool_calls', usage, responseId: null },
    messageId: 'message-1',
    noteId: 'message-2',
  });

it('as many calls as the limit allows are all made', () => {
  const { messages, calls: planned } = read(calls(MAX_CALLS));

  expect(messages[0]!.parts).toHaveLength(MAX_CALLS);
  expect(planned.filter(({ refusal }) => refusal !== undefined)).toEqual([]);
});

it('of more calls the last one that is kept says how many were not made', () => {
  const { messages, calls: planned } = read(calls(2_000));

  expect(messages[0]!.parts).toHaveLength(MAX_CALLS);
  expect(planned.map(({ refusal }) => refusal !== undefined)).toEqual([...Array(MAX_CALLS - 1).fill(false), true]); // prettier-ignore
  expect(planned.at(-1)!.refusal).toContain('2000 tool calls');
});

it('watchers see no deltas of calls that are not made', () => {
  const show = createDeltaView({ messageId: 'message-1', stepId: 'step-1', plan: planOf() });
  const shown = calls(2_000).map(({ id, name }, index) => show({ type: 'tool-call-delta', index, id, name }));

  expect(shown.filter((event) => event !== null)).toHaveLength(MAX_CALLS);
});

it('arguments beyond the limit are cut and their call is refused, others stay byte for byte', () => {
  const long = call('long', `{"text":"${'x'.repeat(1_000_000)}"}`);
  const { messages, calls: planned } = read([call('short'), long]);

  expect(messages[0]!.parts[0]).toEqual(call('short'));
  expect(JSON.stringify(messages[0]!.parts[1]).length).toBeLessThan(2_000);
  expect(planned.map(({ refusal }) => refusal)).toEqual([undefined, expect.stringContaining('too long: 1000011 characters')]); // prettier-ignore
});

it('no human is asked about a call that is refused', () => {
  const {
    messages,
    calls: planned,
    stopReason,
  } = read([call('short'), call('long', 'x'.repeat(1_000_001))], true);

  expect(stopReason).toBe('requires_approval');
  expect(planned.map(({ waits }) => waits)).toEqual([true, undefined]);
  expect(messages[0]!.parts.map((part) => 'waits' in part)).toEqual([false, true]);
  expect(read([call('long', 'x'.repeat(1_000_001))], true).stopReason).toBeNull();
});

it('what is within the limits is neither cut nor refused', () => {
  const fits = call('fits', 'x'.repeat(1_000_000));

  expect(cutArguments(fits)).toBe(fits);
  expect(refusalBeyondLimits({ index: 0, given: fits, made: 1 })).toBeNull();
});

it('a name takes one byte a character in a history', () => {
  expect(nameInHistory('send_mail')).toBe('send_mail');
  expect(nameInHistory('\u0000né€')).toBe('_n__');
  expect(Buffer.byteLength(JSON.stringify(nameInHistory('\u0001'.repeat(500))))).toBe(130);
});
