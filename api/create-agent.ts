import { attachBlock, attachTools } from '../db/agent-attachments';
import { insertThread, type SeedMessage } from '../db/agent-threads';
import { insertAgent } from '../db/agents';
import { getBlocks, insertBlock } from '../db/blocks';
import { attachFolders, directoriesOf } from '../db/folders/agent-folders';
import { replaceIdentitiesOf } from '../db/identity-items';
import { inTransaction, type Queryable } from '../db/pool';
import { findTools, findToolsByName } from '../db/tools';
import { type AgentFields, checkAgentName, checkTimezone, SUBAGENT_TAG } from '../domain/agent';
import { baseToolNames, baseToolRules, randomAgentName } from '../domain/agent-defaults';
import { type Block, checkBlockLabel, checkBlockValue, checkUniqueLabels } from '../domain/block';
import { AppError } from '../domain/errors';
import { memorySeen } from '../domain/prompt';
import { toPythonRepr } from '../domain/python-repr';
import { uniqueRules } from '../domain/tool-rules';
import { defaultSystemPrompt } from '../domain/system-prompt';
import type { Tool } from '../domain/tool';
import { newId } from '../new-id';
import { loadAgentState } from './agent-state';
import { chooseEmbedding, chooseModel } from './agent-model';
import { defaultEmbedding } from './archive-embedding';
import { canHaveSleeper, createSleeper } from './create-sleeper';
import type { ApiDeps } from './deps';
import { defaultMessages, firstSystemMessage, seedMessage } from './system-message';
import { type AgentState, type CreateAgentBody, RELATIONS } from './wire/agent';
import { fromWireBlock } from './wire/block';

/**
 * Creates an agent with its blocks, tools and its own thread, all in one transaction: a request that fails leaves
 * nothing behind.
 */
export async function createAgent({ db, models }: ApiDeps, body: CreateAgentBody): Promise<AgentState> {
  const agentType = body.agent_type ?? 'letta_v1_agent';
  const model = await chooseModel(models, body, agentType);
  const asked = await chooseEmbedding(models, body);
  const embedding = asked.embeddingConfig ? asked : await defaultEmbedding(models);
  const fields = {
    ...describe(body, agentType),
    embedding: null,
    embeddingConfig: null,
    ...model,
    ...embedding,
  };
  checkAgentName(fields.name);
  checkTimezone(fields.timezone);
  const id = newId('agent');
  return inTransaction(db, async (tx) => {
    const tools = await resolveTools(tx, body, agentType);
    const agent = { ...fields, id, toolRules: toolRules(body, fields, tools) };
    await insertAgent(tx, agent);
    const blocks = await createBlocks(tx, body);
    for (const block of blocks) await attachBlock(tx, id, block);
    await attachTools(tx, id, tools.map((tool) => tool.id)); // prettier-ignore
    await replaceIdentitiesOf(tx, id, body.identity_ids ?? []);
    const hasFolders = await attachFolders(tx, id, requestedFolders(body) ?? []);
    const directories = hasFolders ? await directoriesOf(tx, id) : [];
    const systemMessage = firstSystemMessage(agent, blocks, { conversationId: id, directories });
    await insertThread(tx, {
      agentId: id,
      conversationId: id,
      summary: null,
      messages: [systemMessage, ...firstMessages(body, agentType, tools)],
      memorySeen: memorySeen(blocks),
    });
    if (hasSleeper(body, agentType)) await createSleeper(tx, agent, blocks);
    return loadAgentState(tx, id, hasFolders ? RELATIONS : RELATIONS.filter((each) => each !== 'sources'));
  });
}

const hasSleeper = (body: CreateAgentBody, agentType: AgentFields['agentType']): boolean =>
  body.enable_sleeptime === true && canHaveSleeper(agentType);

/** The folders of a request, under either of their names; undefined when it names none. */
export const requestedFolders = (
  body: Pick<CreateAgentBody, 'folder_ids' | 'source_ids'>,
): readonly string[] | undefined =>
  body.folder_ids || body.source_ids
    ? [...new Set([...(body.folder_ids ?? []), ...(body.source_ids ?? [])])]
    : undefined;

/** The secrets of a request, under either of their names; undefined when it has none. */
export const requestedSecrets = (
  body: Pick<CreateAgentBody, 'secrets' | 'tool_exec_environment_variables'>,
): Readonly<Record<string, string>> | undefined =>
  body.secrets || body.tool_exec_environment_variables
    ? { ...body.tool_exec_environment_variables, ...body.secrets }
    : undefined;

function describe(body: CreateAgentBody, agentType: AgentFields['agentType']) {
  const tags = [...new Set(body.tags ?? [])];
  return {
    name: body.name ?? randomAgentName(Math.random),
    agentType,
    system: body.system ?? defaultSystemPrompt(agentType),
    description: body.description ?? null,
    tags,
    metadata: body.metadata ?? null,
    secrets: requestedSecrets(body) ?? {},
    timezone: body.timezone ?? 'UTC',
    messageBufferAutoclear: body.message_buffer_autoclear ?? agentType === 'workflow_agent',
    enableSleeptime: body.enable_sleeptime ?? null,
    maxFilesOpen: body.max_files_open ?? 10,
    perFileViewWindowCharLimit: body.per_file_view_window_char_limit ?? 25_000,
    projectId: body.project_id ?? null,
    templateId: body.template_id ?? null,
    baseTemplateId: body.base_template_id ?? null,
    entityId: body.entity_id ?? null,
    hidden: tags.includes(SUBAGENT_TAG) || (body.hidden ?? null),
    lastRunCompletion: null,
    lastRunDurationMs: null,
    lastStopReason: null,
  };
}

/** The agent's tools in order: base tools, then those asked for by name, then by id. Each once. */
async function resolveTools(
  db: Queryable,
  body: CreateAgentBody,
  agentType: AgentFields['agentType'],
): Promise<readonly Tool[]> {
  const asked = body.tools ?? [];
  const base = baseToolNames({
    agentType,
    includeBaseTools: body.include_base_tools ?? true,
    includeMultiAgentTools: body.include_multi_agent_tools ?? false,
    hasSleeper: hasSleeper(body, agentType),
  });
  const named = await findToolsByName(db, [...base, ...asked]);
  const missing = asked.filter((name) => !named.some((tool) => tool.name === name));
  if (missing.length > 0) {
    const names = [...new Set(missing)].map((name) => toPythonRepr(name)).join(', ');
    throw new AppError('INVALID_ARGUMENT', `Tools not found by name: {${names}}`);
  }
  const ordered = [...base, ...asked].flatMap((name) => named.filter((tool) => tool.name === name));
  const byId = await requireTools(db, body.tool_ids ?? []);
  return [...new Map([...ordered, ...byId].map((tool) => [tool.id, tool])).values()];
}

/** The tools with these ids, in the order of `ids`; NOT_FOUND if one is missing. */
export async function requireTools(db: Queryable, ids: readonly string[]): Promise<readonly Tool[]> {
  const found = await findTools(db, ids);
  const missing = ids.filter((id) => !found.some((tool) => tool.id === id));
  if (missing.length > 0) throw new AppError('NOT_FOUND', `Tools not found by id: ${missing.join(', ')}`);
  return ids.flatMap((id) => found.filter((tool) => tool.id === id));
}

function toolRules(
  body: CreateAgentBody,
  agent: Pick<AgentFields, 'agentType' | 'model'>,
  tools: readonly Tool[],
) {
  const given = body.tool_rules ?? [];
  const base = baseToolRules({
    agentType: agent.agentType,
    model: agent.model,
    toolNames: tools.map((tool) => tool.name),
    include: body.include_base_tool_rules ?? null,
    callerGaveRules: given.length > 0,
    hasSleeper: hasSleeper(body, agent.agentType),
  });
  return uniqueRules([...given, ...base]);
}

async function createBlocks(db: Queryable, body: CreateAgentBody): Promise<readonly Block[]> {
  const fields = (body.memory_blocks ?? []).map(fromWireBlock);
  for (const block of fields) {
    checkBlockLabel(block.label);
    checkBlockValue(block);
  }
  const attached = await getBlocks(db, [...new Set(body.block_ids ?? [])]);
  checkUniqueLabels([...fields, ...attached].map((block) => block.label));
  const created: Block[] = [];
  for (const block of fields) created.push(await insertBlock(db, { ...block, id: newId('block') }));
  return [...created, ...attached];
}

/** What the thread holds behind its system message: what the request says, or what agents of the type begin with. */
function firstMessages(
  body: CreateAgentBody,
  agentType: AgentFields['agentType'],
  tools: readonly Tool[],
): readonly SeedMessage[] {
  if (!body.initial_message_sequence) return defaultMessages(agentType, tools);
  return body.initial_message_sequence.map(({ role, content, name, otid, sender_id: senderId }) => ({
    ...seedMessage(role, typeof content === 'string' ? [{ type: 'text', text: content }] : content),
    name: name ?? null,
    otid: otid ?? null,
    senderId: senderId ?? null,
  }));
}
