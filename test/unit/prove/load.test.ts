import { createScript, differenceOf } from '../../../prove/load';
import type { FakeRequest } from '../../support/fake-openai';

it('a stream that lost, doubled or changed a frame differs from the whole one', () => {
  const whole = ['data: 1\n\n', 'data: 2\n\n', 'data: 3\n\n'];

  expect(differenceOf(whole, whole)).toBeNull();
  expect(differenceOf([whole[0]!, whole[2]!], whole)).toContain('frame 1 of 3 (2 came)');
  expect(differenceOf([whole[0]!, whole[0]!, whole[1]!, whole[2]!], whole)).toContain(
    'frame 1 of 3 (4 came)',
  );
  expect(differenceOf([...whole, whole[2]!], whole)).toContain('frame 3 of 3 (4 came)');
});

const request = (label: string, shape: string, stepsDone: number): FakeRequest => ({
  api: 'responses',
  model: 'gpt-4.1',
  body: {},
  system: '',
  turns: [
    { role: 'user', text: 'turn 0-a-9 plain', calls: 0 },
    { role: 'assistant', text: 'Done with 0-a-9. ', calls: 0 },
    { role: 'user', text: `turn ${label} ${shape}`, calls: 0 },
    ...Array.from({ length: stepsDone }, () => ({ role: 'assistant' as const, text: '', calls: 1 })),
  ],
});
const play = (label: string, shape: string): readonly string[] => {
  const script = createScript([{ name: 'send_letter', arguments: { to: 'Ada' } }]);
  return Array.from({ length: 6 }, (_, step) => {
    const { toolCalls, text } = script(request(label, shape, step));
    return toolCalls?.map(({ name }) => name).join() ?? text?.slice(0, 16) ?? '';
  });
};

it('a turn calls one tool of each class and those of the user, each turn beginning with another one', () => {
  const calls = ['prove_look', 'prove_put', 'prove_charge', 'memory_insert', 'send_letter'];

  expect(play('0-a-0', 'plain')).toEqual([...calls, 'Done with 0-a-0.']);
  expect(play('0-a-6', 'plain')).toEqual([...calls.slice(1), calls[0], 'Done with 0-a-6.']);
});

it('a turn for an approval calls the tool that needs it first', () => {
  expect(play('0-a-0', 'approval').slice(0, 3)).toEqual([
    'prove_confirm',
    'memory_insert',
    'Done with 0-a-0.',
  ]);
});
