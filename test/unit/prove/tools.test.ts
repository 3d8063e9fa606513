import { countedTools, exampleOf, type UserTool } from '../../../prove/tools';
import type { ToolCallContext } from '../../../domain/tool';
import { startCoordinator, type Coordinator } from '../../../prove/coordinator';

let target: Coordinator;
beforeEach(async () => {
  target = await startCoordinator();
});
afterEach(() => target.close());

const tool = (facts: Partial<UserTool> = {}): UserTool => ({
  name: 'send_letter',
  description: 'Sends a letter.',
  parameters: { type: 'object', properties: {}, required: [] },
  effects: 'once',
  enableParallelExecution: false,
  run: () => Promise.reject(new Error('cut off')),
  ...facts,
});
const context = { idempotencyKey: 'k', signal: new AbortController().signal } as ToolCallContext; // all that is read
const cutOff = async (facts: Partial<UserTool>): Promise<number> => {
  await expect(countedTools([tool(facts)], target.url)[0]!.run({}, context)).rejects.toThrow('cut off');
  return target.effects.length;
};

it('the start of a tool counts, so that a call which is started twice is seen even if it was cut off', async () => {
  expect(await cutOff({})).toBe(1);
});

it('a tool whose probe may allow a second start counts only once it has acted', async () => {
  expect(await cutOff({ probe: () => Promise.resolve({ outcome: 'not_done' }) })).toBe(0);
});

it('a tool without an example is called with the least that its schema asks for', () => {
  const parameters = {
    type: 'object',
    properties: {
      to: { type: 'string' },
      copies: { type: 'integer' },
      kind: { enum: ['letter', 'card'] },
      urgent: { type: 'boolean' },
      pages: { type: 'array' },
      sender: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
      note: { type: 'string' },
    },
    required: ['to', 'copies', 'kind', 'urgent', 'pages', 'sender'],
  };

  expect(exampleOf(tool({ parameters }))).toEqual({
    to: 'prove',
    copies: 1,
    kind: 'letter',
    urgent: false,
    pages: [],
    sender: { name: 'prove' },
  });
  expect(exampleOf(tool({ parameters, example: { to: 'Ada' } }))).toEqual({ to: 'Ada' });
});
