import { AGENT_TYPES } from '../../../domain/agent';
import {
  compileSystemPrompt,
  defaultSystemPrompt,
  shownLabels,
  type SystemPromptInput,
} from '../../../domain/system-prompt';

const block = {
  label: 'human',
  value: 'Chad',
  limit: 100,
  description: 'Who you talk with.',
  readOnly: false,
};
const input: SystemPromptInput = {
  system: 'Be kind.',
  agentType: 'letta_v1_agent',
  blocks: [block],
  toolRules: [],
  agentId: 'agent-1',
  conversationId: 'agent-1',
  compiledAt: new Date('2026-11-24T01:28:55.751Z'),
  recallCount: 3,
};

it('tells of the archive and its tags only where there is something in it', () => {
  const without = compileSystemPrompt(input);
  const lines = (archive: SystemPromptInput['archive']) =>
    compileSystemPrompt({ ...input, ...(archive && { archive }) })
      .split('\n')
      .filter((line) => !without.includes(line));

  expect(lines({ count: 0, tags: [] })).toEqual([]);
  expect(lines({ count: 2, tags: [] })).toEqual([
    '- Your archive holds 2 passages; archival tools can find them',
  ]);
  expect(lines({ count: 2, tags: ['a', 'b'] })).toHaveLength(2);
  expect(compileSystemPrompt({ ...input, archive: { count: 0, tags: ['a'] } })).toBe(without);
});

it('puts blocks and metadata behind the instructions', () => {
  expect(compileSystemPrompt(input)).toBe(`Be kind.

<memory_blocks>
These are your memory blocks. They are always in view; what you write to them stays.

<human>
<description>
Who you talk with.
</description>
<metadata>
- chars_current=4
- chars_limit=100
</metadata>
<value>
Chad
</value>
</human>
</memory_blocks>

<memory_metadata>
- AGENT_ID: agent-1
- CONVERSATION_ID: default
- System prompt last recompiled: 2026-11-24 01:28:55 AM UTC+0000
- 3 earlier messages of this conversation are kept; search tools can find them
</memory_metadata>`);
});

it('puts the memory where the placeholder is, as it stands', () => {
  const value = "costs $& and $' {CORE_MEMORY}";
  const text = compileSystemPrompt({
    ...input,
    system: 'A\n{CORE_MEMORY}\nB',
    blocks: [{ ...block, value }],
  });

  expect(text).toMatch(/^A\n<memory_blocks>/);
  expect(text).toMatch(/<\/memory_metadata>\nB$/);
  expect(text).toContain(`<value>\n${value}\n</value>`);
});

it('marks read-only blocks and leaves an absent description out', () => {
  const text = compileSystemPrompt({ ...input, blocks: [{ ...block, readOnly: true, description: null }] });

  expect(text).toContain('<human>\n<metadata>\n- read_only=true\n- chars_current=4');
});

it('shows no memory section without blocks, nor to agent types that have none', () => {
  expect(compileSystemPrompt({ ...input, blocks: [] })).not.toContain('<memory_blocks>');
  expect(compileSystemPrompt({ ...input, agentType: 'react_agent' })).not.toContain('<memory_blocks>');
});

it.each([
  ['2026-01-01T00:00:00Z', '2026-01-01 12:00:00 AM UTC+0000'],
  ['2026-01-01T12:05:09Z', '2026-01-01 12:05:09 PM UTC+0000'],
  ['2026-01-01T23:59:59Z', '2026-01-01 11:59:59 PM UTC+0000'],
])('writes %s as %s', (compiledAt, written) => {
  expect(compileSystemPrompt({ ...input, compiledAt: new Date(compiledAt) })).toContain(
    `recompiled: ${written}\n`,
  );
});

it('says every kind of tool rule in words and names conversations other than the own thread', () => {
  const tool_name = 'a';
  const text = compileSystemPrompt({
    ...input,
    conversationId: 'conv-1',
    toolRules: [
      { type: 'run_first', tool_name },
      { type: 'exit_loop', tool_name },
      { type: 'continue_loop', tool_name },
      { type: 'required_before_exit', tool_name },
      { type: 'requires_approval', tool_name },
      { type: 'max_count_per_step', tool_name, max_count_limit: 2 },
      { type: 'constrain_child_tools', tool_name, children: ['b', 'c'] },
      { type: 'parent_last_tool', tool_name, children: ['d'] },
      { type: 'conditional', tool_name, child_output_mapping: {} },
    ],
  });

  const rules = text.slice(text.indexOf('<tool_usage_rules>'), text.indexOf('</tool_usage_rules>'));
  expect(rules.match(/^- .*`a`.*\.$|^- .*: `d`\.$/gm)).toHaveLength(9);
  expect(rules).toContain('only these can be called: `b`, `c`.');
  expect(text).toContain('- CONVERSATION_ID: conv-1');
});

it('has instructions for every agent type', () => {
  for (const agentType of AGENT_TYPES) expect(defaultSystemPrompt(agentType).length).toBeGreaterThan(100);
});

it('names the blocks that a compiled text shows, and nothing that only looks like one', () => {
  const blocks = [
    { ...block, value: 'x\n<fake>\n<metadata>\ny' },
    { ...block, label: 'my notes', description: null, value: '' },
  ];
  const system = '<persona>\n<description>\nOwn words.\n</description>';

  expect(shownLabels(compileSystemPrompt({ ...input, system, blocks }))).toEqual(['human', 'my notes']);
  expect(shownLabels(compileSystemPrompt({ ...input, blocks: [] }))).toEqual([]);
});
