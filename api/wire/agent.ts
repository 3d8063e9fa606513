import { z } from 'zod';
import { AGENT_TYPES, type Agent } from '../../domain/agent';
import type { Block } from '../../domain/block';
import { DEFAULT_ORG_ID, DEFAULT_USER_ID } from '../../domain/ids';
import type { Group } from '../../domain/group';
import type { Folder } from '../../domain/folder';
import type { Identity } from '../../domain/identity';
import type { Message } from '../../domain/message';
import { STOP_REASONS } from '../../domain/run';
import type { Tool } from '../../domain/tool';
import { derivedId } from '../../new-id';
import { modelFields } from './agent-model';
import { CreateBlockBody, toWireBlock } from './block';
import { toWireMicros } from './dates';
import { idsOf, int32, jsonObject, queryChoices } from './fields';
import { toWireSource } from './folder';
import { toWireIdentity } from './identity';
import { MESSAGE_TYPES, toWireMessages } from './message';
import { pageFields } from './page';
import { queryChoice, queryFlag, queryList, queryText } from './query';
import { toWireGroup } from './group';
import { toWireTool } from './tool';
import { ToolRuleBody } from './tool-rule';

/** An agent with what is attached to it. */
export interface AgentState {
  readonly agent: Agent;
  readonly blocks: readonly Block[];
  readonly tools: readonly Tool[];
  readonly identities: readonly Identity[];
  readonly folders: readonly Folder[];
  /** The group that it manages. */
  readonly group: Group | null;
  /** The message by which it asks for approval. */
  readonly request: Message | null;
}

/** The parts of an agent that cost a query of their own and are empty unless asked for. */
export const RELATIONS = [
  'blocks',
  'identities',
  'managed_group',
  'pending_approval',
  'secrets',
  'sources',
  'tags',
  'tools',
] as const;
export type Relation = (typeof RELATIONS)[number];

/** An agent as Letta's clients know it. Relations that are not in `include` are empty, as in the original. */
export function toWireAgent(
  { agent, blocks, tools, identities, folders, group, request }: AgentState,
  include: readonly Relation[] = RELATIONS,
) {
  const has = (relation: Relation) => include.includes(relation);
  const wireBlocks = has('blocks') ? blocks.map(toWireBlock) : [];
  const wireGroup = has('managed_group') && group ? toWireGroup(group) : null;
  const secrets = has('secrets') ? toWireSecrets(agent) : [];
  return {
    created_by_id: DEFAULT_USER_ID,
    last_updated_by_id: DEFAULT_USER_ID,
    created_at: toWireMicros(agent.createdAt),
    updated_at: toWireMicros(agent.updatedAt),
    id: agent.id,
    name: agent.name,
    tool_rules: agent.toolRules,
    message_ids: agent.messageIds,
    system: agent.system,
    agent_type: agent.agentType,
    llm_config: agent.llmConfig,
    embedding_config: agent.embeddingConfig,
    model: agent.model,
    embedding: agent.embedding,
    model_settings: agent.modelSettings,
    compaction_settings: agent.compactionSettings,
    response_format: agent.responseFormat,
    description: agent.description,
    metadata: agent.metadata,
    memory: toWireMemory(agent, wireBlocks),
    blocks: wireBlocks,
    tools: has('tools') ? tools.map(toWireTool) : [],
    sources: has('sources') ? folders.map(toWireSource) : [],
    tags: has('tags') ? agent.tags : [],
    tool_exec_environment_variables: secrets,
    secrets,
    project_id: agent.projectId,
    template_id: agent.templateId,
    base_template_id: agent.baseTemplateId,
    deployment_id: null,
    entity_id: agent.entityId,
    identity_ids: has('identities') ? identities.map(({ id }) => id) : [],
    identities: has('identities') ? identities.map(toWireIdentity) : [],
    pending_approval: request && toWireRequest(request),
    message_buffer_autoclear: agent.messageBufferAutoclear,
    enable_sleeptime: agent.enableSleeptime,
    multi_agent_group: wireGroup,
    managed_group: wireGroup,
    last_run_completion: agent.lastRunCompletion && toWireMicros(agent.lastRunCompletion),
    last_run_duration_ms: agent.lastRunDurationMs,
    last_stop_reason: agent.lastStopReason,
    timezone: agent.timezone,
    max_files_open: agent.maxFilesOpen,
    per_file_view_window_char_limit: agent.perFileViewWindowCharLimit,
    hidden: agent.hidden,
  };
}

const toWireRequest = (request: Message) =>
  toWireMessages(request, { includeTypes: [MESSAGE_TYPES.approval_request] })[0] ?? null;

/** The older form of an agent's blocks, also the answer of `core-memory`. */
export const toWireMemory = (
  agent: Pick<Agent, 'agentType'>,
  blocks: readonly ReturnType<typeof toWireBlock>[],
) => ({
  agent_type: agent.agentType,
  git_enabled: false,
  blocks,
  file_blocks: [],
  prompt_template: '',
});

/** The secrets of an agent, with their values. */
export const toWireSecrets = (agent: Agent) =>
  Object.entries(agent.secrets).map(([key, value]) => ({
    created_by_id: DEFAULT_USER_ID,
    last_updated_by_id: DEFAULT_USER_ID,
    created_at: toWireMicros(agent.createdAt),
    updated_at: toWireMicros(agent.updatedAt),
    id: `agent-env-${derivedId('agent', agent.id, 'secret', key).slice('agent-'.length)}`,
    key,
    value,
    description: null,
    organization_id: DEFAULT_ORG_ID,
    value_enc: null,
    agent_id: agent.id,
  }));

const optionalText = z.string().nullish();
const optionalFlag = z.boolean().nullish();
const environment = z.record(z.string(), z.string()).nullish();

const agentFields = {
  ...modelFields,
  name: optionalText,
  system: optionalText,
  description: optionalText,
  embedding: optionalText,
  embedding_config: jsonObject.nullish(),
  tool_ids: idsOf('tool'),
  block_ids: idsOf('block'),
  folder_ids: idsOf('source'),
  source_ids: idsOf('source'),
  identity_ids: idsOf('identity'),
  tool_rules: z.array(ToolRuleBody).nullish(),
  tags: z.array(z.string()).nullish(),
  metadata: jsonObject.nullish(),
  secrets: environment,
  tool_exec_environment_variables: environment,
  timezone: optionalText,
  message_buffer_autoclear: optionalFlag,
  enable_sleeptime: optionalFlag,
  max_files_open: int32.nullish(),
  per_file_view_window_char_limit: int32.nullish(),
  project_id: optionalText,
  template_id: optionalText,
  base_template_id: optionalText,
  hidden: optionalFlag,
};

const textContent = z.union([z.string(), z.array(z.object({ type: z.literal('text'), text: z.string() }))]);
const SeedMessageBody = z.object({
  role: z.enum(['user', 'system', 'assistant']),
  content: textContent,
  name: optionalText,
  otid: optionalText,
  sender_id: optionalText,
});

export const CreateAgentBody = z.object({
  ...agentFields,
  agent_type: z.enum(AGENT_TYPES).nullish(),
  memory_blocks: z.array(CreateBlockBody).nullish(),
  tools: z.array(z.string()).nullish(),
  include_base_tools: optionalFlag,
  include_multi_agent_tools: optionalFlag,
  include_base_tool_rules: optionalFlag,
  initial_message_sequence: z.array(SeedMessageBody).nullish(),
  entity_id: optionalText,
});
export type CreateAgentBody = z.infer<typeof CreateAgentBody>;

export const UpdateAgentBody = z.object({
  ...agentFields,
  message_ids: idsOf('message'),
  last_run_completion: z.iso.datetime({ offset: true, local: true }).nullish(),
  last_run_duration_ms: int32.nullish(),
  last_stop_reason: z.enum(STOP_REASONS).nullish(),
});
export type UpdateAgentBody = z.infer<typeof UpdateAgentBody>;

const includeFields = {
  include: queryChoices(RELATIONS.map((relation) => `agent.${relation}` as const)),
  include_relationships: queryList(),
};
export const IncludeQuery = z.object(includeFields);

/**
 * The relations a request asks for. Clients from before 1.0 get all of them unless they name some; 1.0 clients get
 * none unless they name some.
 */
export function requestedRelations(
  query: z.output<typeof IncludeQuery>,
  isLegacyClient: boolean,
): readonly Relation[] {
  const { include, include_relationships: older } = query;
  if (include) return RELATIONS.filter((relation) => include.includes(`agent.${relation}`));
  if (!older) return isLegacyClient ? RELATIONS : [];
  const names = older.map((name) => OLDER_NAMES[name] ?? name);
  return RELATIONS.filter((relation) => names.includes(relation));
}

const OLDER_NAMES: Readonly<Record<string, Relation>> = {
  memory: 'blocks',
  identity_ids: 'identities',
  multi_agent_group: 'managed_group',
  tool_exec_environment_variables: 'secrets',
};

const filterFields = {
  name: queryText(),
  query_text: queryText(),
  tags: queryList(),
  match_all_tags: queryFlag(),
  project_id: queryText(),
  template_id: queryText(),
  base_template_id: queryText(),
  identity_id: queryText(),
  identifier_keys: queryList(),
  last_stop_reason: queryChoice(STOP_REASONS),
  created_by_id: queryText(),
  show_hidden_agents: queryFlag(),
};
export const AgentFilterQuery = z.object(filterFields);

const sortField = queryChoice(['created_at', 'updated_at', 'last_run_completion']);
export const ListAgentsQuery = z.object({
  ...filterFields,
  ...includeFields,
  ...pageFields({ limit: 50, order: 'desc' }),
  order_by: sortField,
  sort_by: sortField,
  ascending: queryFlag(),
});
export const ListAgentsOfBlockQuery = z.object({
  ...includeFields,
  ...pageFields({ limit: 50, order: 'desc' }),
});

/** The filter of a list or count of agents, in the terms of `db/agents.ts`. */
export const fromWireAgentFilter = (query: z.output<typeof AgentFilterQuery>) => ({
  name: query.name,
  nameSearch: query.query_text,
  tags: query.tags,
  matchAllTags: query.match_all_tags,
  projectId: query.project_id,
  templateId: query.template_id,
  baseTemplateId: query.base_template_id,
  identityId: query.identity_id,
  identifierKeys: query.identifier_keys,
  lastStopReason: query.last_stop_reason,
  withoutHidden: query.show_hidden_agents !== true,
  matchesNothing: query.created_by_id !== undefined && query.created_by_id !== DEFAULT_USER_ID,
});

export const CountInternalAgentsQuery = z.object({ exclude_hidden: queryFlag() });

export const ListTagsQuery = z.object({
  ...pageFields({ limit: 50, order: 'asc' }),
  name: queryText(),
  query_text: queryText(),
});
