import { planStep } from '../../../domain/plan-step';
import { buildMessage, buildOffered, buildStep } from '../../support/build-step';

const AT = {
  now: new Date(0),
  noteId: 'message-note',
  skillsNoteId: 'message-skills',
  folderNoteId: 'message-folders',
};
const block = (version: number, label = 'human') => ({ id: `block-${label}`, label, value: `v${version}`, limit: 9, readOnly: false, version }); // prettier-ignore
const result = (name: string) =>
  buildMessage('tool', [{ type: 'tool_return', toolCallId: 'c', name, status: 'success', result: 'ok', stdout: null, stderr: null }]); // prettier-ignore

it('the first step reads the thread, then the input, and brings the input into the thread', () => {
  const plan = planStep(buildStep(), AT);

  expect(plan.prompt).toEqual([
    { role: 'system', text: 'Be brief.' },
    { role: 'user', parts: [{ type: 'text', text: 'Hi' }] },
  ]);
  expect(plan.newMessages).toMatchObject([{ id: 'message-in', role: 'user', inContext: true }]);
  expect(plan.memorySeen).toBeNull();
});

it('a later step brings nothing: the input is in the thread already', () => {
  const context = [...buildStep().context, buildMessage('user', 'Hi')];

  const plan = planStep(
    buildStep({ step: 1, context, blocks: [block(2)], memorySeen: { human: 'block-human@1' } }),
    AT,
  );

  expect(plan.prompt).toHaveLength(2);
  expect(plan.newMessages).toEqual([]);
});

it('a block that changed outside of the thread is told in front of the input, and counts as known from then on', () => {
  const plan = planStep(buildStep({ blocks: [block(2)], memorySeen: { human: 'block-human@1' } }), AT);

  expect(plan.newMessages.map(({ role }) => role)).toEqual(['note', 'user']);
  expect(JSON.stringify(plan.prompt[1])).toContain('v2');
  expect(plan.memorySeen).toEqual({ human: 'block-human@2' });
});

it('the prompt of a step begins with the whole prompt of the step before it', () => {
  const first = buildStep({ blocks: [block(2)], memorySeen: {} });
  const before = planStep(first, AT);
  const stored = before.newMessages.map((message) => buildMessage(message.role, message.parts));
  const call = buildMessage('assistant', [{ type: 'tool_call', id: 'c', name: 'look', arguments: '{}' }]);

  const after = planStep(
    buildStep({ step: 1, context: [...first.context, ...stored, call, result('look')] }),
    AT,
  );

  expect(after.prompt.slice(0, before.prompt.length)).toEqual(before.prompt);
  expect(after.prompt).toHaveLength(before.prompt.length + 2);
});

it('a system prompt for this turn only replaces what the model reads and stores nothing', () => {
  const request = { ...buildStep().request, overrideSystem: 'Be long.' };

  const plan = planStep(buildStep({ request }), AT);

  expect(plan.prompt[0]).toEqual({ role: 'system', text: 'Be long.' });
  expect(plan.newMessages).toHaveLength(1);
});

it('rules see the calls of this turn only, and not the refused ones', () => {
  const context = [result('look'), { ...result('search'), runId: 'run-0' }];

  expect(planStep(buildStep({ step: 1, context }), AT).rules.called).toEqual([
    { name: 'look', result: 'ok' },
  ]);
});

it('only the tools that the rules allow are offered, and a rule that leaves one forces it', () => {
  const tools = [buildOffered('look'), buildOffered('search')];
  const toolRules = [{ type: 'run_first', tool_name: 'search' }] as const;

  const plan = planStep(buildStep({ tools, toolRules }), AT);

  expect(plan.tools.map(({ name }) => name)).toEqual(['search']);
  expect(plan.toolChoice).toEqual({ name: 'search' });
});

it('a model that tried to end the turn too early by a tool reads what is missing, once', () => {
  const tools = [buildOffered('look'), buildOffered('send')];
  const toolRules = [
    { type: 'exit_loop', tool_name: 'send' },
    { type: 'required_before_exit', tool_name: 'look' },
  ] as const;
  const after = (...context: ReturnType<typeof result>[]) =>
    planStep(buildStep({ step: 1, tools, toolRules, context }), AT).newMessages;

  expect(after(result('send'))).toMatchObject([{ id: 'message-note', role: 'note' }]);
  expect(JSON.stringify(after(result('send')))).toContain('look');
  expect(after(result('send'), buildMessage('assistant', 'Done?'))).toEqual([]);
  expect(after(result('look'), result('send'))).toEqual([]);
});

it('a model without tools is told to call none', () => {
  expect(planStep(buildStep(), AT).toolChoice).toBe('none');
  expect(planStep(buildStep({ tools: [buildOffered('look')] }), AT).toolChoice).toBe('auto');
});

it.each([
  [1, 0, true],
  [2, 0, false],
  [2, 1, true],
])('with %i steps allowed, step %i is the last one: %s', (maxSteps, step, isLastStep) => {
  expect(planStep(buildStep({ maxSteps, step }), AT).isLastStep).toBe(isLastStep);
});

it('tools that the client brings hide the agent’s tools of the same names and always wait', () => {
  const clientTools = [{ name: 'look', description: 'mine', parameters: { type: 'object' } }];
  const step = buildStep({ tools: [buildOffered('look'), buildOffered('edit')] });

  const plan = planStep({ ...step, request: { ...step.request, clientTools } }, AT);

  expect(plan.tools.map(({ name, description }) => [name, description])).toEqual([
    ['edit', 'What edit does.'],
    ['look', 'mine'],
  ]);
  expect(plan.offered.find(({ name }) => name === 'look')).toMatchObject({
    isClient: true,
    requiresApproval: true,
  });
  expect(planStep(step, AT).tools.map(({ description }) => description)).not.toContain('mine');
});
