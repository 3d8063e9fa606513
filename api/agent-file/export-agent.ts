import { blocksOf, toolsOf } from '../../db/agent-attachments';
import { getAgent } from '../../db/agents';
import { contextMessageIds } from '../../db/conversations';
import { listTranscript } from '../../db/messages';
import type { Queryable } from '../../db/pool';
import type { Agent } from '../../domain/agent';
import type { Block } from '../../domain/block';
import type { Message } from '../../domain/message';
import type { Tool } from '../../domain/tool';
import type { Thread } from '../threads';
import { toWireBlock } from '../wire/block';
import { toStoredFields } from '../wire/stored-message';
import { toWireTool } from '../wire/tool';

const PAGE = 1_000;
// Letta's importer looks for one; the value names the schema that its fields follow.
const REVISION = '1c28e167b74f';

/**
 * An agent as a file of Letta's form: its fields, blocks, tools and one of its threads under ids of the file alone. Names
 * of secrets are kept, their values are not.
 */
export async function exportAgent(
  db: Queryable,
  thread: Thread,
  { withMessages, at }: { readonly withMessages: boolean; readonly at: Date },
) {
  const agent = await getAgent(db, thread.agentId);
  const blocks = (await blocksOf(db, [agent.id])).get(agent.id) ?? [];
  const tools = (await toolsOf(db, [agent.id])).get(agent.id) ?? [];
  const messages = withMessages ? await transcriptOf(db, thread) : [];
  const inContext = withMessages ? await contextMessageIds(db, thread.conversationId) : [];
  const idOf = new Map(messages.map(({ id }, index) => [id, `message-${index}`]));
  return {
    agents: [
      {
        ...toFileAgent(agent, { blocks, tools }),
        in_context_message_ids: inContext.flatMap((id) => idOf.get(id) ?? []),
        messages: messages.map((message, index) => toFileMessage(message, index, agent)),
        files_agents: [],
        group_ids: [],
      },
    ],
    groups: [],
    blocks: blocks.map(toFileBlock),
    files: [],
    sources: [],
    tools: tools
      .map((tool, index) => ({ ...toFileTool(tool), id: `tool-${index}` }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    mcp_servers: [],
    skills: [],
    metadata: { revision_id: REVISION },
    created_at: toOffset(at),
  };
}

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

function toFileAgent(agent: Agent, { blocks, tools }: { blocks: readonly Block[]; tools: readonly Tool[] }) {
  const names = Object.keys(agent.secrets);
  const wiped = Object.fromEntries(names.map((name) => [name, '']));
  return {
    name: agent.name,
    memory_blocks: [],
    tools: [],
    tool_ids: tools.map((_, index) => `tool-${index}`),
    source_ids: [],
    folder_ids: null,
    block_ids: blocks.map((_, index) => `block-${index}`),
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
    context_window_limit: null,
    embedding_chunk_size: null,
    max_tokens: null,
    max_reasoning_tokens: null,
    enable_reasoner: false,
    reasoning: null,
    from_template: null,
    template: false,
    project: null,
    tool_exec_environment_variables: wiped,
    secrets: names.length > 0 ? wiped : null,
    memory_variables: null,
    project_id: null,
    template_id: null,
    base_template_id: null,
    identity_ids: null,
    message_buffer_autoclear: agent.messageBufferAutoclear,
    enable_sleeptime: false,
    response_format: agent.responseFormat,
    timezone: agent.timezone,
    max_files_open: agent.maxFilesOpen,
    per_file_view_window_char_limit: agent.perFileViewWindowCharLimit,
    hidden: agent.hidden,
    parallel_tool_calls: null,
    id: 'agent-0',
  };
}

function toFileMessage(message: Message, index: number, agent: Agent) {
  const isOfModel = ['system', 'assistant', 'tool', 'approval_request'].includes(message.role);
  return {
    type: 'message',
    group_id: null,
    ...toStoredFields(message),
    batch_item_id: null,
    id: `message-${index}`,
    model: isOfModel ? (agent.llmConfig['model'] ?? null) : null,
    agent_id: 'agent-0',
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
