import type { MessagePart, MessageRole } from '../../../domain/message';
import { sleeperMessage } from '../../../domain/sleeptime';

const text = (words: string): MessagePart => ({ type: 'text', text: words });
const message = (role: MessageRole, ...parts: readonly MessagePart[]) => ({ role, parts });
const call = (name: string, args: string, speaks?: true): MessagePart => ({
  type: 'tool_call',
  id: 'call_1',
  name,
  arguments: args,
  ...(speaks && { speaks }),
});
const returned: MessagePart = { type: 'tool_return', toolCallId: 'call_1', name: 'look', status: 'success', result: 'four', stdout: null, stderr: null }; // prettier-ignore

it('a sleeper reads who said what, and what tools were called and returned', () => {
  const shown = sleeperMessage([
    message('user', text('How many?')),
    message('assistant', { type: 'reasoning', text: 'I look.', signature: null }, call('look', '{"at":1}')),
    message('tool', returned),
    message('assistant', call('send_message', '{"message":"Four."}', true)),
    message('tool', { ...returned, speaks: true }),
  ]);

  expect(/<transcript>\n(.*)\n<\/transcript>/s.exec(shown)?.[1]).toBe(
    ['user: How many?', 'assistant calls look: {"at":1}', 'look returns: four', 'assistant: Four.'].join(
      '\n',
    ),
  );
});

it('of a very long transcript it reads the end', () => {
  const shown = sleeperMessage([
    message('user', text('x'.repeat(150_000))),
    message('user', text('the end')),
  ]);

  expect(shown.length).toBeLessThan(101_000);
  expect(shown).toContain('[…]x');
  expect(shown).toContain('user: the end');
});
