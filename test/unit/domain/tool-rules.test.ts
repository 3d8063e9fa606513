import fc from 'fast-check';
import {
  allowedTools,
  allowsParallelCalls,
  constraintError,
  endsTurn,
  forcedChoice,
  missingAfterExit,
  missingBeforeExit,
  needsApproval,
  prefilledArguments,
  type CalledTool,
  type ToolRule,
} from '../../../domain/tool-rules';

const toolNames = ['a', 'b', 'c', 'd'];
const calls = (...names: readonly string[]): readonly CalledTool[] =>
  names.map((name) => ({ name, result: 'ok' }));
const stateOf = (rules: readonly ToolRule[], called: readonly CalledTool[] = []) => ({
  rules,
  toolNames,
  called,
});

it('allows everything and forces nothing without rules', () => {
  expect(allowedTools(stateOf([]))).toEqual(toolNames);
  expect(forcedChoice(stateOf([]))).toBe('auto');
  expect(endsTurn(stateOf([], calls('a')), ['a'])).toBe(false);
});

describe('run_first', () => {
  const rules: ToolRule[] = [
    { type: 'run_first', tool_name: 'c', args: { x: 1 } },
    { type: 'run_first', tool_name: 'b' },
  ];

  it('allows and forces only its tools before the first call', () => {
    expect(allowedTools(stateOf(rules))).toEqual(['b', 'c']);
    expect(forcedChoice(stateOf(rules))).toBe('required');
    expect(forcedChoice(stateOf(rules.slice(0, 1)))).toEqual({ name: 'c' });
  });

  it('is over after the first call', () => {
    expect(allowedTools(stateOf(rules, calls('b')))).toEqual(toolNames);
    expect(forcedChoice(stateOf(rules, calls('b')))).toBe('auto');
  });

  it('fixes arguments for the first call only', () => {
    expect(prefilledArguments(stateOf(rules), 'c')).toEqual({ x: 1 });
    expect(prefilledArguments(stateOf(rules), 'b')).toEqual({});
    expect(prefilledArguments(stateOf(rules, calls('b')), 'c')).toEqual({});
  });

  it('neither limits nor forces when the agent does not have the tool', () => {
    const missing = stateOf([{ type: 'run_first', tool_name: 'gone' }]);

    expect(allowedTools(missing)).toEqual(toolNames);
    expect(forcedChoice(missing)).toBe('auto');
  });
});

describe('constrain_child_tools', () => {
  const rules: ToolRule[] = [
    {
      type: 'constrain_child_tools',
      tool_name: 'a',
      children: ['b', 'c'],
      child_arg_nodes: [{ name: 'b', args: { y: 2 } }, { name: 'c' }],
    },
  ];

  it('allows and forces the children right after the parent', () => {
    expect(allowedTools(stateOf(rules, calls('a')))).toEqual(['b', 'c']);
    expect(forcedChoice(stateOf(rules, calls('a')))).toBe('required');
    expect(allowedTools(stateOf(rules, calls('a', 'b')))).toEqual(toolNames);
    expect(forcedChoice(stateOf(rules, calls('a', 'b')))).toBe('auto');
  });

  it('fixes the arguments of a child right after the parent', () => {
    expect(prefilledArguments(stateOf(rules, calls('a')), 'b')).toEqual({ y: 2 });
    expect(prefilledArguments(stateOf(rules, calls('a')), 'c')).toEqual({});
    expect(prefilledArguments(stateOf(rules, calls('a', 'd')), 'b')).toEqual({});
  });
});

describe('parent_last_tool', () => {
  const rules: ToolRule[] = [{ type: 'parent_last_tool', tool_name: 'a', children: ['b'] }];

  it('hides the children except right after the parent', () => {
    expect(allowedTools(stateOf(rules))).toEqual(['a', 'c', 'd']);
    expect(allowedTools(stateOf(rules, calls('a')))).toEqual(['b']);
    expect(allowedTools(stateOf(rules, calls('a', 'b')))).toEqual(['a', 'c', 'd']);
  });

  it('forces a child right after the parent and nothing at any other time', () => {
    expect(forcedChoice(stateOf(rules, calls('a')))).toEqual({ name: 'b' });
    expect(forcedChoice(stateOf(rules))).toBe('auto');
    expect(forcedChoice(stateOf(rules, calls('a', 'b')))).toBe('auto');
  });
});

describe('conditional', () => {
  const mapping = { true: 'b', '2': 'c', exact: 'd' };
  const rule = (facts: object = {}): ToolRule => ({
    type: 'conditional',
    tool_name: 'a',
    child_output_mapping: mapping,
    ...facts,
  });
  const after = (result: string, facts: object = {}) => stateOf([rule(facts)], [{ name: 'a', result }]);

  it.each([
    ['True', 'b'],
    ['true', 'b'],
    ['2', 'c'],
    ['2.0', 'c'],
    ['exact', 'd'],
  ])('maps the output %p to %p and forces it', (result, child) => {
    expect(allowedTools(after(result))).toEqual([child]);
    expect(forcedChoice(after(result))).toEqual({ name: child });
  });

  it('takes the default child for any other output, and everything without a default, but forces a call', () => {
    expect(allowedTools(after('Exact', { default_child: 'c' }))).toEqual(['c']);
    expect(forcedChoice(after('Exact', { default_child: 'c' }))).toEqual({ name: 'c' });
    expect(allowedTools(after('Exact'))).toEqual(toolNames);
    expect(forcedChoice(after('Exact'))).toBe('required');
    expect(allowedTools(after('', { default_child: null }))).toEqual(toolNames);
  });

  it('allows everything when a required mapping has no match, so that the agent is not stuck', () => {
    expect(allowedTools(after('x', { require_output_mapping: true, default_child: 'b' }))).toEqual(toolNames);
    expect(forcedChoice(after('x', { require_output_mapping: true }))).toBe('required');
  });

  it('looks at the last call only', () => {
    expect(allowedTools(stateOf([rule()], [{ name: 'a', result: 'exact' }, ...calls('b')]))).toEqual(
      toolNames,
    );
  });
});

it('stops offering a tool that reached its max_count_per_step', () => {
  const rules: ToolRule[] = [{ type: 'max_count_per_step', tool_name: 'a', max_count_limit: 2 }];

  expect(allowedTools(stateOf(rules, calls('a', 'b')))).toContain('a');
  expect(allowedTools(stateOf(rules, calls('a', 'b', 'a')))).toEqual(['b', 'c', 'd']);
});

describe('the end of a turn', () => {
  const exit: ToolRule = { type: 'exit_loop', tool_name: 'a' };
  const required: ToolRule = { type: 'required_before_exit', tool_name: 'b' };

  it('ends after an exit_loop tool, a continue_loop rule on the same tool or not', () => {
    const rules: ToolRule[] = [exit, { type: 'continue_loop', tool_name: 'a' }];

    expect(endsTurn(stateOf(rules, calls('a')), ['a'])).toBe(true);
    expect(endsTurn(stateOf(rules, calls('a', 'b')), ['b'])).toBe(false);
    expect(endsTurn(stateOf(rules, calls('b', 'a')), ['b', 'a'])).toBe(true);
  });

  it('goes on until every tool required before the exit was called', () => {
    expect(endsTurn(stateOf([exit, required], calls('a')), ['a'])).toBe(false);
    expect(missingBeforeExit(stateOf([exit, required], calls('a')))).toEqual(['b']);
    expect(endsTurn(stateOf([exit, required], calls('b', 'a')), ['a'])).toBe(true);
  });

  it('tells which tools are missing after a call that would have ended the turn, and after no other', () => {
    expect(missingAfterExit(stateOf([exit, required], calls('a')))).toEqual(['b']);
    expect(missingAfterExit(stateOf([exit, required], calls('a', 'c')))).toEqual([]);
    expect(missingAfterExit(stateOf([exit, required], calls('b', 'a')))).toEqual([]);
    expect(missingAfterExit(stateOf([exit, required]))).toEqual([]);
  });

  it('does not wait for a required tool that the agent does not have', () => {
    expect(missingBeforeExit(stateOf([{ type: 'required_before_exit', tool_name: 'gone' }]))).toEqual([]);
  });
});

it('tells approvals and parallel calls apart from the other rules', () => {
  const approval: ToolRule = { type: 'requires_approval', tool_name: 'a' };

  expect(needsApproval([approval], 'a')).toBe(true);
  expect(needsApproval([approval], 'b')).toBe(false);
  expect(allowsParallelCalls([approval])).toBe(true);
  expect(allowsParallelCalls([approval, { type: 'continue_loop', tool_name: 'a' }])).toBe(false);
});

it('answers a call outside the allowed tools with the text of Letta', () => {
  const allowed = ['web_search', 'conversation_search', 'run_code', 'memory_replace', 'memory_insert'];

  expect(constraintError('no_such_tool', allowed)).toBe(
    "[ToolConstraintError] Cannot call no_such_tool, valid tools include: ['conversation_search', 'memory_insert', " +
      "'memory_replace', 'run_code', 'web_search'].",
  );
});

describe('for any rules and history', () => {
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'gone');
  const names = fc.array(name, { maxLength: 3 });
  const rule: fc.Arbitrary<ToolRule> = fc.oneof(
    fc.record({ type: fc.constant('run_first' as const), tool_name: name }),
    fc.record({
      type: fc.constantFrom('exit_loop', 'continue_loop', 'required_before_exit', 'requires_approval'),
      tool_name: name,
    }),
    fc.record({
      type: fc.constant('max_count_per_step' as const),
      tool_name: name,
      max_count_limit: fc.integer({ min: 0, max: 3 }),
    }),
    fc.record({
      type: fc.constantFrom('parent_last_tool', 'constrain_child_tools'),
      tool_name: name,
      children: names,
    }),
    fc.record({
      type: fc.constant('conditional' as const),
      tool_name: name,
      child_output_mapping: fc.dictionary(fc.constantFrom('x', 'true', '1'), name),
      default_child: fc.option(name),
      require_output_mapping: fc.boolean(),
    }),
  );
  const history = fc.array(fc.record({ name, result: fc.constantFrom('x', 'True', '1', '') }), {
    maxLength: 5,
  });
  const states = fc
    .tuple(fc.array(rule, { maxLength: 6 }), history)
    .map(([rules, called]) => stateOf(rules, called));
  const counts = (called: readonly CalledTool[], wanted: string) =>
    called.filter((call) => call.name === wanted).length;

  it('allows some of the agent’s tools, never none and never others', () => {
    fc.assert(
      fc.property(states, (state) => {
        const allowed = allowedTools(state);

        expect(allowed.length).toBeGreaterThan(0);
        expect(toolNames).toEqual(expect.arrayContaining([...allowed]));
      }),
    );
  });

  it('limits the first call to run_first tools and no later one', () => {
    fc.assert(
      fc.property(states, (state) => {
        const first = state.rules.flatMap((each) => (each.type === 'run_first' ? [each.tool_name] : []));
        const available = toolNames.filter((each) => first.includes(each));
        const withoutFirst = { ...state, rules: state.rules.filter((each) => each.type !== 'run_first') };

        if (state.called.length > 0) expect(allowedTools(state)).toEqual(allowedTools(withoutFirst));
        else if (available.length > 0) expect(allowedTools(state)).toEqual(available);
      }),
    );
  });

  it('offers a tool beyond its maximum only when the rules leave nothing at all', () => {
    fc.assert(
      fc.property(states, (state) => {
        fc.pre(state.called.length > 0);
        const allowed = allowedTools(state);
        const exhausted = state.rules.flatMap((each) =>
          each.type === 'max_count_per_step' && counts(state.called, each.tool_name) >= each.max_count_limit
            ? [each.tool_name]
            : [],
        );

        if (allowed.some((each) => exhausted.includes(each))) expect(allowed).toEqual(toolNames);
      }),
    );
  });

  it('forces only a call that is allowed', () => {
    fc.assert(
      fc.property(states, (state) => {
        const choice = forcedChoice(state);

        if (typeof choice === 'object') expect(allowedTools(state)).toEqual([choice.name]);
        if (choice === 'required') expect(allowedTools(state).length).toBeGreaterThan(1);
        if (state.rules.length === 0) expect(choice).toBe('auto');
      }),
    );
  });
});
