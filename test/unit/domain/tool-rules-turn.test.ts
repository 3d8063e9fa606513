import fc from 'fast-check';
import type { Message } from '../../../domain/message';
import type { ModelReply } from '../../../domain/model';
import { stopAfterTools } from '../../../domain/next-action';
import { planStep, type StepPlan } from '../../../domain/plan-step';
import { readReply } from '../../../domain/read-reply';
import type { StopReason } from '../../../domain/run';
import { allowedTools, missingBeforeExit, type CalledTool, type ToolRule } from '../../../domain/tool-rules';
import type { PlannedCall } from '../../../domain/turn';
import { buildMessage, buildOffered, buildStep } from '../../support/build-step';

// Whole turns, played by the functions that decide in the real ones, for any rules and a model that does what it likes.

const toolNames = ['a', 'b', 'c', 'd'];
const tools = toolNames.map((name) => buildOffered(name));

/** What the model says in one step: words, or calls of these tools with what they would return. */
interface Said {
  readonly calls: readonly CalledTool[];
}
interface Step {
  readonly plan: StepPlan;
  readonly calls: readonly PlannedCall[];
  readonly ran: readonly CalledTool[];
}
interface Turn {
  readonly steps: readonly Step[];
  readonly stopReason: StopReason;
}

function playTurn(rules: readonly ToolRule[], script: readonly Said[], maxSteps: number): Turn {
  const context: Message[] = [buildMessage('system', 'Be brief.', { runId: null })];
  const steps: Step[] = [];
  const called: CalledTool[] = [];
  for (let step = 0; ; step++) {
    // A model that has said all it had says "Done." from then on.
    const said = script[step]?.calls ?? [];
    const plan = planStep(buildStep({ step, maxSteps, tools, toolRules: rules, context: [...context] }), AT);
    const { calls, messages, stopReason } = readReply({
      plan,
      reply: replyOf(said),
      messageId: 'message-1',
      noteId: 'n',
    });
    const ran = calls.flatMap((call) => (call.refusal === undefined ? [said[call.index]!] : []));
    steps.push({ plan, calls, ran });
    if (stopReason) return { steps, stopReason };
    context.push(...messages.map((message) => buildMessage(message.role, message.parts)));
    context.push(...calls.map((call) => resultOf(call.name, call.refusal ?? said[call.index]!.result)));
    called.push(...ran);
    const stop =
      calls.length > 0
        ? stopAfterTools({
            rules,
            toolNames,
            called,
            speaker: null,
            isFixedWrongly: false,
            lastTools: ran.map(({ name }) => name),
            stepsTaken: step + 1,
            maxSteps,
          })
        : null;
    if (stop) return { steps, stopReason: stop };
    if (step > 100) throw new Error('the turn does not end');
  }
}

const AT = {
  now: new Date(0),
  noteId: 'message-note',
  skillsNoteId: 'message-skills',
  folderNoteId: 'message-folders',
};
const resultOf = (name: string, result: string) =>
  buildMessage('tool', [{ type: 'tool_return', toolCallId: 'c', name, status: 'success', result, stdout: null, stderr: null }]); // prettier-ignore
const replyOf = (said: readonly CalledTool[]): ModelReply => ({
  parts:
    said.length === 0
      ? [{ type: 'text', text: 'Done.' }]
      : said.map(({ name }, at) => ({ type: 'tool_call', id: `call_${at}`, name, arguments: '{}' })),
  finishReason: 'stop',
  usage: { promptTokens: 1, completionTokens: 1, totalTokens: 2, cachedInputTokens: null, cacheWriteTokens: null, reasoningTokens: null }, // prettier-ignore
  responseId: null,
});

const name = fc.constantFrom('a', 'b', 'c', 'd', 'gone');
const result = fc.constantFrom('x', 'True', '1', '');
const children = fc.array(name, { maxLength: 3 });
const rule: fc.Arbitrary<ToolRule> = fc.oneof(
  fc.record({ type: fc.constant('run_first' as const), tool_name: name }),
  fc.record({ type: fc.constantFrom('exit_loop', 'continue_loop', 'required_before_exit'), tool_name: name }),
  fc.record({
    type: fc.constant('max_count_per_step' as const),
    tool_name: name,
    max_count_limit: fc.nat(3),
  }),
  fc.record({
    type: fc.constantFrom('parent_last_tool', 'constrain_child_tools'),
    tool_name: name,
    children,
  }),
  fc.record({
    type: fc.constant('conditional' as const),
    tool_name: name,
    child_output_mapping: fc.dictionary(fc.constantFrom('x', 'true', '1'), name),
    default_child: fc.option(name),
    require_output_mapping: fc.boolean(),
  }),
);
const script = fc.array(fc.record({ calls: fc.array(fc.record({ name, result }), { maxLength: 3 }) }), {
  maxLength: 12,
});
const turns = fc
  .tuple(fc.array(rule, { maxLength: 5 }), script, fc.integer({ min: 1, max: 12 }))
  .map(([rules, said, maxSteps]) => ({ rules, maxSteps, ...playTurn(rules, said, maxSteps) }));
const holds = (check: (turn: { rules: readonly ToolRule[]; maxSteps: number } & Turn) => void): void =>
  fc.assert(fc.property(turns, check), { numRuns: 150 });

it('a turn ends within its steps', () => {
  holds(({ steps, maxSteps, stopReason }) => {
    expect(steps.length).toBeLessThanOrEqual(maxSteps);
    if (stopReason === 'max_steps') expect(steps).toHaveLength(maxSteps);
  });
});

it('what runs was allowed when the model was asked, and everything else is refused with the allowed tools', () => {
  holds(({ steps }) => {
    for (const { plan, calls, ran } of steps) {
      const allowed = allowedTools(plan.rules);
      expect(plan.offered.map((tool) => tool.name)).toEqual(allowed);
      for (const call of ran) expect(allowed).toContain(call.name);
      for (const call of calls.filter((each) => !allowed.includes(each.name)))
        expect(call.refusal).toBe(
          `[ToolConstraintError] Cannot call ${call.name}, valid tools include: [${allowed.map((each) => `'${each}'`).join(', ')}].`,
        );
    }
  });
});

it('the first tool that runs is one of run_first, where the agent has one', () => {
  holds(({ rules, steps }) => {
    const first = rules.flatMap((each) => (each.type === 'run_first' ? [each.tool_name] : []));
    const ran = steps.flatMap((step) => step.ran)[0];
    if (ran && first.some((each) => toolNames.includes(each))) expect(first).toContain(ran.name);
  });
});

it('rules make a reply one call, and without rules all of its calls count', () => {
  holds(({ rules, steps }) => {
    for (const { calls } of steps) if (rules.length > 0) expect(calls.length).toBeLessThanOrEqual(1);
  });
  expect(
    playTurn(
      [],
      [
        {
          calls: [
            { name: 'a', result: 'x' },
            { name: 'b', result: 'x' },
          ],
        },
      ],
      3,
    ).steps[0]?.ran,
  ).toHaveLength(2);
});

it('an exit tool ends the turn at once, unless a required tool is missing', () => {
  holds(({ rules, steps, stopReason }) => {
    const exits = (each: CalledTool) =>
      rules.some((r) => r.type === 'exit_loop' && r.tool_name === each.name);
    steps.forEach(({ plan, ran }, at) => {
      if (!ran.some(exits)) return;
      const missing = missingBeforeExit({ ...plan.rules, called: [...plan.rules.called, ...ran] });
      if (missing.length === 0) expect([at, stopReason]).toEqual([steps.length - 1, 'tool_rule']);
      else if (at < steps.length - 1)
        expect(JSON.stringify(steps[at + 1]?.plan.newMessages)).toContain(missing.join(', '));
    });
    if (stopReason === 'tool_rule') expect(steps.at(-1)?.ran.some(exits)).toBe(true);
  });
});

it('words end the turn only when nothing required is missing or no step is left', () => {
  holds(({ steps, stopReason, maxSteps }) => {
    const last = steps.at(-1);
    if (stopReason === 'end_turn' && steps.length < maxSteps && last)
      expect(missingBeforeExit(last.plan.rules)).toEqual([]);
  });
});

it('the model is forced to call a tool only before the first call and after a tool whose successors a rule names', () => {
  holds(({ rules, steps }) => {
    for (const { plan } of steps) {
      if (plan.toolChoice === 'auto') continue;
      const last = plan.rules.called.at(-1)?.name;
      const types = rules
        .filter((each) => last === undefined || each.tool_name === last)
        .map((each) => each.type);
      const forcing =
        last === undefined ? ['run_first'] : ['constrain_child_tools', 'conditional', 'parent_last_tool'];
      expect(types.some((type) => forcing.includes(type))).toBe(true);
    }
  });
});
