import { baseToolNames, baseToolRules, randomAgentName } from '../../../domain/agent-defaults';

it('makes a name of an adjective and a noun from any random number', () => {
  for (const number of [0, 0.5, 0.999999])
    expect(randomAgentName(() => number)).toMatch(/^[A-Z][a-z]+[A-Z][a-z]+$/);
  expect(randomAgentName(() => 0)).not.toBe(randomAgentName(() => 0.5));
});

it('chooses base tools by agent type and leaves them out when asked to', () => {
  const options = {
    agentType: 'sleeptime_agent',
    includeBaseTools: true,
    includeMultiAgentTools: false,
  } as const;

  expect(baseToolNames(options)).toEqual([
    'memory_replace',
    'memory_insert',
    'memory_rethink',
    'memory_finish_edits',
  ]);
  expect(baseToolNames({ ...options, includeBaseTools: false })).toEqual([]);
  expect(baseToolNames({ ...options, includeBaseTools: false, includeMultiAgentTools: true })).toHaveLength(
    3,
  );
});

it('gives an agent with a sleeptime partner the search of its archive', () => {
  const options = {
    agentType: 'letta_v1_agent',
    includeBaseTools: true,
    includeMultiAgentTools: false,
  } as const;

  expect(baseToolNames({ ...options, hasSleeper: true })).toContain('archival_memory_search');
  expect(baseToolNames(options)).not.toContain('archival_memory_search');
  expect(baseToolNames({ ...options, includeBaseTools: false, hasSleeper: true })).toEqual([]);
});

const options = {
  agentType: 'letta_v1_agent',
  model: 'openai/gpt-4.1',
  toolNames: ['memory_insert', 'send_message', 'mine'],
  include: null,
  callerGaveRules: false,
} as const;
const types = (changed: Partial<Parameters<typeof baseToolRules>[0]>) =>
  baseToolRules({ ...options, ...changed }).map((rule) => `${rule.tool_name} ${rule.type}`);
const ALL = ['memory_insert continue_loop', 'send_message exit_loop'];

it('gives rules to base tools only when the caller gave rules of its own, or to older agent types', () => {
  expect(types({})).toEqual([]);
  expect(types({ callerGaveRules: true })).toEqual(ALL);
  expect(types({ agentType: 'memgpt_v2_agent' })).toEqual(ALL);
});

it('does as the caller says about rules for base tools', () => {
  expect(types({ include: true })).toEqual(ALL);
  expect(types({ include: false, callerGaveRules: true })).toEqual([]);
});

it.each([
  ['openai/gpt-5', []],
  ['anthropic/claude-4-sonnet-20250514', []],
  ['openai/gpt-5-mini', ALL],
])('gives %s no continue rules unless it is a small model', (model, expected) => {
  expect(types({ model, callerGaveRules: true })).toEqual(expected);
});
