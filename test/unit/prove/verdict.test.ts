import { outcomeOf, transcriptProblems } from '../../../prove/verdict';
import { KIT_TOOLS } from '../../../prove/tools';

const row = (
  declared: 'read' | 'idempotent' | 'transactional' | 'once',
  status: string,
  told: string | null,
) => ({
  tool_name: declared === 'transactional' ? 'memory_insert' : KIT_TOOLS[declared],
  declared,
  status,
  result_status: told,
});

it.each([
  ['a call that acted once and was told so', row('once', 'done', 'success'), ['k'], 'exact'],
  ['a read that was repeated', row('read', 'done', 'success'), ['k', 'k'], 'exact'],
  ['a repeat under the same key', row('idempotent', 'done', 'success'), ['k', 'k'], 'exact'],
  ['a call that was lost and may have acted', row('once', 'unknown', 'error'), [], 'unknown'],
  ['a call that did not act and was told so', row('once', 'done', 'error'), [], 'not_run'],
] as const)('%s is true', (_, call, keys, outcome) => {
  expect(outcomeOf(call, keys)).toEqual({ outcome });
});

it.each([
  ['two effects of a call that may act once', row('once', 'done', 'success'), ['k', 'k'], 'duplicate'],
  ['two effects of a call that is unknown', row('once', 'unknown', 'error'), ['k', 'k'], 'duplicate'],
  ['two keys of one idempotent call', row('idempotent', 'done', 'success'), ['k', 'l'], 'duplicate'],
  ['a fact that stands in memory twice', row('transactional', 'done', 'success'), ['k', 'k'], 'duplicate'],
  ['a success without an effect', row('once', 'done', 'success'), [], 'lost'],
  ['a call that was left open', row('idempotent', 'claimed', null), ['k'], 'lost'],
] as const)('%s is found', (_, call, keys, outcome) => {
  expect(outcomeOf(call, keys).outcome).toBe(outcome);
});

it('an effect that the model was told had not happened is an untruth, except for a tool that may fail half-way', () => {
  const call = row('once', 'done', 'error');

  expect(outcomeOf(call, ['k']).untruth).toContain('it acted');
  expect(outcomeOf({ ...call, tool_name: 'send_mail' }, ['k']).untruth).toBeUndefined();
});

it('an idempotent call that is called unknown is an untruth', () => {
  expect(outcomeOf(row('idempotent', 'unknown', 'error'), []).untruth).toContain('never is');
});

const user = { role: 'user', parts: [{ type: 'text', text: 'turn 0-a-1 plain' }], in_context: true };
const call = { role: 'assistant', parts: [{ type: 'tool_call', id: 'c1' }], in_context: true };
const result = { role: 'tool', parts: [{ type: 'tool_return', toolCallId: 'c1' }], in_context: true };
const answer = { role: 'assistant', parts: [{ type: 'text', text: 'Done with 0-a-1. ' }], in_context: true };
const labels = new Set(['0-a-1']);

it('a transcript with a result right after its call and one answer has no problem', () => {
  expect(transcriptProblems([user, call, result, answer], labels)).toEqual([]);
});

it.each([
  ['a call without a result', [user, call, answer], 'a call has no result after it'],
  ['a last call without a result', [user, answer, call], 'the last call has no result'],
  ['a result without a call', [user, result, answer], 'a result has no call before it'],
  ['a message that came twice', [user, user, answer], 'message 0-a-1 is there 2 times'],
  ['an answer that came twice', [user, answer, answer], 'message 0-a-1 was answered 2 times'],
  ['a message that was lost', [answer], 'message 0-a-1 is there 0 times'],
  [
    'a message outside of the context',
    [{ ...user, in_context: false }, answer],
    'a message (user) is not in the context',
  ],
])('%s is found', (_, messages, problem) => {
  expect(transcriptProblems(messages, labels)).toEqual([problem]);
});
