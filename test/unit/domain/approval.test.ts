import { expiresAfter } from '../../../domain/approval';
import { problemOfArguments } from '../../../domain/edited-arguments';
import { toPrompt } from '../../../domain/prompt';
import { callsForWorkflow, forWorkflow } from '../../../domain/turn';
import { buildMessage } from '../../support/build-step';
import { buildTool } from '../../support/build-tool';

const deny = (afterSeconds: number) => ({ waits: true, expiry: { action: 'deny', afterSeconds } }) as const;

it.each([
  ['with the last of their times', [deny(5), deny(9)], 9],
  ['never if one of them waits for ever', [deny(5), { waits: true }], null],
  ['without regard to a call that needs no answer', [deny(5), {}], 5],
  ['never if none of them has a policy', [{ waits: true }], null],
  ['never if none of them waits', [{}], null],
])('calls of one reply expire together: %s', (_rule, calls, seconds) => {
  expect(expiresAfter(calls)).toBe(seconds);
});

describe('arguments that a human gives', () => {
  const properties = { to: { type: 'string' }, amount: { type: 'integer', minimum: 1 } };
  const parameters = { type: 'object', properties, required: ['to'] };

  it.each(['custom', 'letta_core'])(
    'fit the schema of a tool of type %s, or the reason names the field',
    (toolType) => {
      const tool = buildTool({ name: 'pay', toolType, parameters });

      expect(problemOfArguments('{"to":"Ada","amount":3}', tool)).toBeNull();
      expect(problemOfArguments('{"amount":3}', tool)).toContain('to');
      expect(problemOfArguments('{"to":"Ada","amount":"many"}', tool)).toContain('amount');
      expect(problemOfArguments('[1]', tool)).toMatch(/one JSON object/);
      expect(problemOfArguments('{', tool)).toMatch(/one JSON object/);
    },
  );
});

it('the model reads in the result which arguments a human put in place of its own', () => {
  const part = { type: 'tool_return', toolCallId: 'c', name: 'pay', status: 'success', result: 'paid', stdout: null, stderr: null } as const; // prettier-ignore
  const read = (ranWith: object) =>
    JSON.stringify(toPrompt([buildMessage('tool', [{ ...part, ...ranWith }])]));

  expect(read({ ranWith: '{"to":"Bob"}' })).toMatch(/human changed the arguments.*Bob.*paid/);
  expect(read({})).not.toContain('human');
});

it('what crosses Temporal of calls and ends is free of texts and policies', () => {
  const call = { index: 0, name: 'pay', effects: 'once', parallel: false } as const;
  const stored = { ...call, ...deny(5), refusal: 'words' };
  const end = { stopReason: 'requires_approval', next: null } as const;

  expect(callsForWorkflow([stored])).toEqual([call]);
  expect(forWorkflow({ calls: [stored] })).toEqual({ calls: [call] });
  expect(forWorkflow({ end, ...{ pending: [stored] } })).toEqual({ end });
});
