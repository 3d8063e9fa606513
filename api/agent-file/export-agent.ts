import { blocksOf, toolsOf } from '../../db/agent-attachments';
import { getAgent } from '../../db/agents';
import { contextMessageIds } from '../../db/conversations';
import { groupsOf } from '../../db/groups';
import { listTranscript } from '../../db/messages';
import type { Queryable } from '../../db/pool';
import type { Agent } from '../../domain/agent';
import type { Block } from '../../domain/block';
import type { Group } from '../../domain/group';
import type { Message } from '../../domain/message';
import type { Tool } from '../../domain/tool';
import type { Thread } from '../threads';
import { toWireBlock } from '../wire/block';
import { toStoredFields } from '../wire/stored-message';
import { toWireTool } from '../wire/tool';
import { exportFolders } from './export-folders';

const PAGE = 1_000;
// Letta's importer looks for one; the value names the schema that its fields follow.
const REVISION = '1c28e167b74f';

/**
 * An agent as a file of Letta's form: its fields, blocks, tools, folders and one of its threads under ids of the file alone, and
 * its sleeper with it. Names of secrets are kept, their values are not.
 */
export async function exportAgent(
  db: Queryable,
  thread: Thread,
  { withMessages, at, skills = [] }: { withMessages: boolean; at: Date; skills?: readonly object[] },
) {
  const group = (await groupsOf(db, [thread.agentId])).get(thread.agentId);
  const sleeper = group && { agentId: group.sleeperAgentId, conversationId: group.sleeperAgentId };
  const whole: WholeAgent[] = [];
  for (const each of [thread, ...(sleeper ? [sleeper] : [])])
    whole.push(await readWhole(db, each, withMessages));
  const blocks = uniqueById(whole.flatMap((each) => each.blocks));
  const tools = uniqueById(whole.flatMap((each) => each.tools));
  const idsOf = {
    block: fileIds(blocks, 'block'),
    tool: fileIds(tools, 'tool'),
    message: fileIds(whole.flatMap(({ messages }) => messages), 'message'), // prettier-ignore
  };
  const folders = await exportFolders(db, whole.map(({ agent }) => agent.id)); // prettier-ignore
  const agents: object[] = [];
  for (const [index, each] of whole.entries()) {
    const id = `agent-${index}`;
    const given = await folders.ofAgent(each.agent, id);
    agents.push({ ...toFileAgent(each, { id, hasGroup: group !== undefined, idsOf }), ...given });
  }
  return {
    agents,
    groups: group ? [toFileGroup(group)] : [],
    blocks: blocks.map(toFileBlock),
    files: folders.files,
    sources: folders.sources,
    tools: tools
      .map((tool, index) => ({ ...toFileTool(tool), id: `tool-${index}` }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    mcp_servers: [],
    skills,
    metadata: { revision_id: REVISION },
    created_at: toOffset(at),
  };
}

interface WholeAgent {
  readonly agent: Agent;
  readonly blocks: readonly Block[];
  readonly tools: readonly Tool[];
  readonly messages: readonly Message[];
  readonly inContext: readonly string[];
}

async function readWhole(db: Queryable, thread: Thread, withMessages: boolean): Promise<WholeAgent> {
  const agent = await getAgent(db, thread.agentId);
  return {
    agent,
    blocks: (await blocksOf(db, [agent.id])).get(agent.id) ?? [],
    tools: (await toolsOf(db, [agent.id])).get(agent.id) ?? [],
    messages: withMessages ? await transcriptOf(db, thread) : [],
    inContext: withMessages ? await contextMessageIds(db, thread.conversationId) : [],
  };
}

const uniqueById = <T extends { readonly id: string }>(items: readonly T[]): readonly T[] => [
  ...new Map(items.map((item) => [item.id, item])).values(),
];
type FileIds = ReadonlyMap<string, string>;
const fileIds = (items: readonly { readonly id: string }[], kind: string): FileIds =>
  new Map(items.map(({ id }, index) => [id, `${kind}-${index}`]));

const toFileGroup = (group: Group) => ({
  id: 'group-0',
  agent_ids: ['agent-1'],
  description: '',
  manager_config: {
    manager_type: 'sleeptime',
    manager_agent_id: 'agent-0',
    sleeptime_agent_frequency: group.frequency,
  },
  project_id: null,
  shared_block_ids: [],
  hidden: null,
});

/** All of a thread, oldest first; a call that is still open is not whole and stays behind. */
async function transcriptOf(db: Queryable, { conversationId }: Thread): Promise<readonly Message[]> {
  const messages: Message[] = [];
  for (;;) {
    const after = messages.at(-1)?.id;
    const page = await listTranscript(
      db,
      { conversationId },
      { limit: PAGE, order: 'asc', after, before: undefined },
    );
    messages.push(...page);
    if (page.length < PAGE) return messages;
  }
}

// Fields of a creation that say what other fields of the file say already, or that a file has no place for.
const NEVER_SET = {
  context_window_limit: null,
  embedding_chunk_size: null,
  max_tokens: null,
  max_reasoning_tokens: null,
  enable_reasoner: false,
  reasoning: null,
  from_template: null,
  template: false,
  project: null,
  memory_variables: null,
  project_id: null,
  template_id: null,
  base_template_id: null,
  identity_ids: null,
};

function toFileAgent(
  { agent, blocks, tools, messages, inContext }: WholeAgent,
  {
    id,
    hasGroup,
    idsOf,
  }: { id: string; hasGroup: boolean; idsOf: Record<'block' | 'tool' | 'message', FileIds> },
) {
  const names = Object.keys(agent.secrets);
  const wiped = Object.fromEntries(names.map((name) => [name, '']));
  return {
    name: agent.name,
    memory_blocks: [],
    tools: [],
    tool_ids: tools.flatMap((tool) => idsOf.tool.get(tool.id) ?? []),
    source_ids: [],
    folder_ids: null,
    block_ids: blocks.flatMap((block) => idsOf.block.get(block.id) ?? []),
    tool_rules: agent.toolRules,
    tags: agent.tags,
    system: agent.system,
    agent_type: agent.agentType,
    initial_message_sequence: null,
    include_base_tools: false,
    include_multi_agent_tools: false,
    include_base_tool_rules: false,
    include_default_source: false,
    description: agent.description,
    metadata: agent.metadata,
    llm_config: agent.llmConfig,
    embedding_config: agent.embeddingConfig,
    model: null,
    embedding: null,
    model_settings: null,
    compaction_settings: agent.compactionSettings,
    ...NEVER_SET,
    tool_exec_environment_variables: wiped,
    secrets: names.length > 0 ? wiped : null,
    message_buffer_autoclear: agent.messageBufferAutoclear,
    enable_sleeptime: false,
    response_format: agent.responseFormat,
    timezone: agent.timezone,
    max_files_open: agent.maxFilesOpen,
    per_file_view_window_char_limit: agent.perFileViewWindowCharLimit,
    hidden: agent.hidden,
    parallel_tool_calls: null,
    id,
    in_context_message_ids: inContext.flatMap((messageId) => idsOf.message.get(messageId) ?? []),
    messages: messages.map((message) => ({
      ...toFileMessage(message, agent),
      id: idsOf.message.get(message.id),
      agent_id: id,
    })),
    files_agents: [],
    group_ids: hasGroup ? ['group-0'] : [],
  };
}

function toFileMessage(message: Message, agent: Agent) {
  const isOfModel = ['system', 'assistant', 'tool', 'approval_request'].includes(message.role);
  return {
    type: 'message',
    group_id: null,
    ...toStoredFields(message),
    batch_item_id: null,
    model: isOfModel ? (agent.llmConfig['model'] ?? null) : null,
    created_at: toOffset(message.createdAt),
  };
}

function toFileBlock(block: Block, index: number) {
  const { id: _, created_by_id: _by, last_updated_by_id: _last, ...fields } = toWireBlock(block);
  return { ...fields, id: `block-${index}` };
}

function toFileTool(tool: Tool) {
  const { effects: _, ...fields } = toWireTool(tool);
  return fields;
}

const toOffset = (date: Date): string => date.toISOString().replace('Z', '000+00:00');
