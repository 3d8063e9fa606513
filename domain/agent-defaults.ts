import type { AgentType } from './agent';
import type { ToolRule } from './tool-rules';

const ADJECTIVES = [
  'Agile', 'Amber', 'Autumn', 'Bold', 'Bright', 'Calm', 'Candid', 'Clever', 'Cosmic', 'Curious', 'Dapper', 'Eager',
  'Earnest', 'Fabled', 'Gentle', 'Golden', 'Hardy', 'Honest', 'Jolly', 'Keen', 'Kind', 'Lively', 'Lucid', 'Mellow',
  'Merry', 'Nimble', 'Patient', 'Plucky', 'Polite', 'Quiet', 'Radiant', 'Serene', 'Silver', 'Steady', 'Sunny', 'Swift',
  'Tidy', 'Vivid', 'Warm', 'Witty',
] as const; // prettier-ignore
const NOUNS = [
  'Acorn', 'Badger', 'Beacon', 'Birch', 'Brook', 'Canyon', 'Cedar', 'Comet', 'Condor', 'Coral', 'Dolphin', 'Ember',
  'Falcon', 'Fern', 'Finch', 'Fjord', 'Glacier', 'Harbor', 'Heron', 'Island', 'Juniper', 'Kestrel', 'Lantern', 'Lynx',
  'Maple', 'Marten', 'Meadow', 'Nebula', 'Orchard', 'Otter', 'Pebble', 'Pine', 'Puffin', 'Quartz', 'Raven', 'Reef',
  'Saffron', 'Sparrow', 'Willow', 'Wren',
] as const; // prettier-ignore

/** A name such as `KeenOtter`. `random` gives numbers in [0, 1), as `Math.random` does. */
export const randomAgentName = (random: () => number): string =>
  pick(ADJECTIVES, random) + pick(NOUNS, random);

function pick(words: readonly [string, ...string[]], random: () => number): string {
  return words[Math.floor(random() * words.length)] ?? words[0];
}

const BASE_TOOLS: Readonly<Record<AgentType, readonly string[]>> = {
  letta_v1_agent: ['conversation_search', 'memory_insert', 'memory_replace'],
  memgpt_v2_agent: ['send_message', 'conversation_search', 'memory_insert', 'memory_replace'],
  memgpt_agent: [
    'send_message', 'conversation_search', 'core_memory_append', 'core_memory_replace', 'memory', 'memory_apply_patch',
  ],
  split_thread_agent: ['send_message', 'conversation_search', 'memory_insert', 'memory_replace'],
  sleeptime_agent: ['memory_replace', 'memory_insert', 'memory_rethink', 'memory_finish_edits'],
  voice_convo_agent: ['conversation_search', 'memory_insert', 'memory_replace'],
  voice_sleeptime_agent: ['memory_replace', 'memory_insert', 'memory_rethink', 'memory_finish_edits'],
  react_agent: [],
  workflow_agent: [],
}; // prettier-ignore
const WITH_SLEEPER = ['send_message', 'conversation_search', 'archival_memory_search'] as const;
const MULTI_AGENT_TOOLS = [
  'send_message_to_agent_and_wait_for_reply',
  'send_message_to_agent_async',
  'send_message_to_agents_matching_tags',
] as const;

/** The tools an agent gets without asking. Those this server does not have are left out when the agent is created. */
export function baseToolNames(options: {
  readonly agentType: AgentType;
  readonly includeBaseTools: boolean;
  readonly includeMultiAgentTools: boolean;
  /** A sleeper keeps the memory: the agent itself only reads it. */
  readonly hasSleeper?: boolean;
}): readonly string[] {
  const base = options.hasSleeper ? WITH_SLEEPER : BASE_TOOLS[options.agentType];
  return [
    ...(options.includeBaseTools ? base : []),
    ...(options.includeMultiAgentTools ? MULTI_AGENT_TOOLS : []),
  ];
}

const ENDS_THE_TURN = ['send_message', 'memory_finish_edits', 'send_message_to_agent_async'];
const GOES_ON = [
  'conversation_search', 'core_memory_append', 'core_memory_replace', 'memory', 'memory_apply_patch', 'memory_insert',
  'memory_replace', 'memory_rethink', 'archival_memory_insert', 'archival_memory_search',
]; // prettier-ignore
// Models that follow the loop without continue rules.
const SELF_DIRECTED = ['claude-4-sonnet', 'claude-3-5-sonnet', 'gpt-5', 'gemini-2.5-pro'];

/** The rules that come with the base tools among `toolNames`, if this agent gets any (semantics of Letta 0.16.7). */
export function baseToolRules(options: {
  readonly agentType: AgentType;
  readonly model: string;
  readonly toolNames: readonly string[];
  /** The caller's `include_base_tool_rules`; null when it did not say. */
  readonly include: boolean | null;
  readonly callerGaveRules: boolean;
  readonly hasSleeper?: boolean;
}): readonly ToolRule[] {
  const byDefault =
    (options.agentType !== 'letta_v1_agent' || options.callerGaveRules || options.hasSleeper === true) &&
    !isSelfDirected(options.model);
  if (!(options.include ?? byDefault)) return [];
  return options.toolNames.flatMap((name): readonly ToolRule[] => {
    if (ENDS_THE_TURN.includes(name)) return [{ type: 'exit_loop', tool_name: name, prompt_template: null }];
    return GOES_ON.includes(name) ? [{ type: 'continue_loop', tool_name: name, prompt_template: null }] : [];
  });
}

const isSelfDirected = (model: string): boolean =>
  !model.includes('mini') && SELF_DIRECTED.some((name) => model.includes(name));
