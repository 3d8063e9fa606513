import type { AgentType } from './agent';
import { type Directory, renderDirectory } from './agent-files';
import type { ArchiveSummary } from './archive';
import type { Block } from './block';
import type { ToolRule } from './tool-rules';

export type PromptBlock = Pick<Block, 'label' | 'value' | 'limit' | 'description' | 'readOnly'>;

export interface SystemPromptInput {
  /** The agent's own instructions. `{CORE_MEMORY}` marks where the memory goes; without it, memory follows them. */
  readonly system: string;
  readonly agentType: AgentType;
  /** In the order they were attached. */
  readonly blocks: readonly PromptBlock[];
  readonly toolRules: readonly ToolRule[];
  readonly agentId: string;
  /** The agent's id for its own thread. */
  readonly conversationId: string;
  readonly compiledAt: Date;
  /** Messages of this conversation that a search can find. */
  readonly recallCount: number;
  /** What the agent's archive holds; an agent without passages reads nothing of it. */
  readonly archive?: ArchiveSummary;
  /** The folders that the agent has, by name; an agent without any reads nothing of them. */
  readonly directories?: readonly Directory[];
}

const PLACEHOLDER = '{CORE_MEMORY}';
const WITHOUT_MEMORY: readonly AgentType[] = ['react_agent', 'workflow_agent'];

/** The text of a conversation's system message: the same input gives the same bytes, so that prefix caches work. */
export function compileSystemPrompt(input: SystemPromptInput): string {
  const memory = [
    WITHOUT_MEMORY.includes(input.agentType) ? '' : memoryBlocks(input.blocks),
    toolUsageRules(input.toolRules),
    directoryList(input.directories ?? []),
    memoryMetadata(input),
  ]
    .filter((section) => section !== '')
    .join('\n\n');
  return input.system.includes(PLACEHOLDER)
    ? input.system.replaceAll(PLACEHOLDER, () => memory)
    : `${input.system}\n\n${memory}`;
}

/** One block as the model reads it, in the system message and wherever else it is shown. */
function renderBlock({ label, value, limit, description, readOnly }: PromptBlock): string {
  const lines = [
    `<${label}>`,
    ...(description === null ? [] : ['<description>', description, '</description>']),
    '<metadata>',
    ...(readOnly ? ['- read_only=true'] : []),
    `- chars_current=${value.length}`,
    `- chars_limit=${limit}`,
    '</metadata>',
    '<value>',
    value,
    '</value>',
    `</${label}>`,
  ];
  return lines.join('\n');
}

function memoryBlocks(blocks: readonly PromptBlock[]): string {
  if (blocks.length === 0) return '';
  const intro = 'These are your memory blocks. They are always in view; what you write to them stays.';
  return `<memory_blocks>\n${intro}\n\n${blocks.map(renderBlock).join('\n\n')}\n</memory_blocks>`;
}

/** The labels of the blocks that a compiled text shows, as `renderBlock` wrote them. What a value holds is no block. */
export function shownLabels(text: string): readonly string[] {
  const section = /^<memory_blocks>\n([^]*)\n<\/memory_blocks>$/m.exec(text)?.[1] ?? '';
  const frames = section.replace(/^<value>\n[^]*?\n?<\/value>$/gm, '');
  return [...frames.matchAll(/^<([^<>\n/][^<>\n]*)>\n<(?:description|metadata)>$/gm)].map(
    ([, label = '']) => label,
  );
}

function toolUsageRules(rules: readonly ToolRule[]): string {
  if (rules.length === 0) return '';
  const sentences = rules.map((rule) => `- ${ruleSentence(rule)}`);
  return `<tool_usage_rules>\nTools may be limited in order or number:\n${sentences.join('\n')}\n</tool_usage_rules>`;
}

function directoryList(directories: readonly Directory[]): string {
  if (directories.length === 0) return '';
  const intro =
    'These folders hold files that you can open and search. You are told when files come or go; open_files names those that ' +
    'are there when you ask for one that is not.';
  return ['<directories>', intro, ...directories.map(renderDirectory), '</directories>'].join('\n');
}

function memoryMetadata({
  agentId,
  conversationId,
  compiledAt,
  recallCount,
  archive,
}: SystemPromptInput): string {
  return [
    '<memory_metadata>',
    `- AGENT_ID: ${agentId}`,
    `- CONVERSATION_ID: ${conversationId === agentId ? 'default' : conversationId}`,
    `- System prompt last recompiled: ${clockTime(compiledAt)}`,
    `- ${recallCount} earlier messages of this conversation are kept; search tools can find them`,
    ...archiveLines(archive),
    '</memory_metadata>',
  ].join('\n');
}

function archiveLines(archive: ArchiveSummary | undefined): readonly string[] {
  if (!archive || archive.count === 0) return [];
  const count = `- Your archive holds ${archive.count} passages; archival tools can find them`;
  return archive.tags.length === 0 ? [count] : [count, `- Tags in your archive: ${archive.tags.join(', ')}`];
}

/** One rule in words, for the model that has to follow it. */
function ruleSentence(rule: ToolRule): string {
  const name = `\`${rule.tool_name}\``;
  switch (rule.type) {
    case 'run_first':
      return `A turn begins with ${name}.`;
    case 'exit_loop':
      return `A call of ${name} ends the turn.`;
    case 'continue_loop':
      return `After ${name} the turn goes on.`;
    case 'required_before_exit':
      return `${name} must be called before the turn ends.`;
    case 'requires_approval':
      return `A person has to approve each call of ${name}.`;
    case 'max_count_per_step':
      return `${name} can be called at most ${rule.max_count_limit} times in a turn.`;
    case 'constrain_child_tools':
      return `Right after ${name} only these can be called: ${quoted(rule.children)}.`;
    case 'parent_last_tool':
      return `These can be called only right after ${name}: ${quoted(rule.children)}.`;
    case 'conditional':
      return `What can be called right after ${name} depends on its result.`;
  }
}

const quoted = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');

/** `2026-11-24 01:28:55 AM UTC+0000`, the form that Letta's agents read. */
function clockTime(date: Date): string {
  const [day, time] = date.toISOString().slice(0, 19).split('T');
  const hour = date.getUTCHours();
  const twelve = String(hour % 12 === 0 ? 12 : hour % 12).padStart(2, '0');
  return `${day} ${twelve}${time?.slice(2)} ${hour < 12 ? 'AM' : 'PM'} UTC+0000`;
}

const CONVERSATIONAL = `You are an agent with a memory that outlives this conversation.

Your memory has two parts. Memory blocks are short texts that you see on every turn; each has a label, a description
of what it is for, and a limit on its length. The full history of your conversations is kept as well and can be
searched when a block does not hold what you need.

Keep your blocks true and useful:
- When you learn something that will matter later, write it to the block it belongs to, at once and without being
  asked. Correct what turns out to be wrong; drop what no longer matters.
- Write facts, not transcripts. Leave read-only blocks alone.
- Do not tell the user about the bookkeeping unless they ask.

Use tools when they get you closer to what the user needs, one after the other until the task is done. A tool that
fails tells you why: change your approach or say what is missing. When you have the answer, or need something only the
user can give, reply in plain text: that ends your turn. Never invent the result of a tool.`;

const MEMORY_KEEPER = `You look after the memory of an agent while it is not talking to anyone.

You are given what was said lately. Read it and bring the memory blocks up to date: add what will matter later, merge
what is said twice, correct what has changed, remove what is spent, and keep every block inside its limit. Use dates
rather than words like "yesterday". Do not answer the conversation and do not invent anything. When the blocks are in
order, stop.`;

const TOOL_USER = `You solve the user's task step by step. At each step decide what you need to know or do next; if a
tool can do it, call that tool and read its result before you go on. A tool that fails tells you why: try another way.
When the task is done, or cannot be done with what you have, say so in plain text.`;

const PROCEDURE = `You carry out a procedure with the tools you have been given. Follow the rules for their order, pass on
results exactly as you received them, and stop with a short report when the procedure is complete.`;

const VOICE = `${CONVERSATIONAL}

Your replies are read aloud. Speak in short, natural sentences, without lists, markup or links.`;

const PROMPTS: Readonly<Record<AgentType, string>> = {
  letta_v1_agent: CONVERSATIONAL,
  memgpt_agent: CONVERSATIONAL,
  memgpt_v2_agent: CONVERSATIONAL,
  split_thread_agent: CONVERSATIONAL,
  voice_convo_agent: VOICE,
  sleeptime_agent: MEMORY_KEEPER,
  voice_sleeptime_agent: MEMORY_KEEPER,
  react_agent: TOOL_USER,
  workflow_agent: PROCEDURE,
};

/** The instructions of an agent whose creator gave none. */
export const defaultSystemPrompt = (agentType: AgentType): string => PROMPTS[agentType];

/** What a summarizer is told when a conversation grows past its context window. */
export const DEFAULT_COMPACTION_PROMPT = `Summarize the conversation so far for the agent that will carry on with it.
Keep what it needs: who the user is and what they want, decisions with their reasons, facts, names, numbers and file
paths exactly as given, results of tools that still matter, and what was promised or is still open. Leave out
greetings and steps that led nowhere. Write in the past tense, in plain text, without comments of your own.`;
