import { attachBlock, attachTools } from '../../db/agent-attachments';
import { insertThread } from '../../db/agent-threads';
import { insertAgent } from '../../db/agents';
import { insertBlock } from '../../db/blocks';
import { importMessages } from '../../db/import-messages';
import { inTransaction, type Queryable } from '../../db/pool';
import { type AgentFields, checkAgentName, checkTimezone } from '../../domain/agent';
import { type Block, checkBlockLabel, checkUniqueLabels } from '../../domain/block';
import { memorySeen } from '../../domain/prompt';
import { defaultSystemPrompt } from '../../domain/system-prompt';
import { newId } from '../../new-id';
import { chooseEmbedding, chooseModel } from '../agent-model';
import type { ApiDeps } from '../deps';
import { SLEEPER_SUFFIX } from '../create-sleeper';
import { firstSystemMessage } from '../system-message';
import { fromWireBlock } from '../wire/block';
import { attachImported, type ImportedFolders, importFolders, readFolders } from './import-folders';
import { importSleepers, sleepersOf } from './import-sleepers';
import { importTools } from './import-tools';
import { readMessages } from './read-messages';
import type { AgentFile, FileAgent, FileBlock } from './schema';
import { badFile, type ImportOptions } from './upload';

/** What an import has made: the ids of the agents in the order of the file, and what this server has no place for. */
export interface Imported {
  readonly agentIds: readonly string[];
  readonly leftOut: readonly string[];
}

/**
 * Creates the agents of a file with their blocks, tools and threads, all in one transaction: a file that can't be
 * imported leaves nothing behind.
 */
export async function importAgents(
  { db, models }: Pick<ApiDeps, 'db' | 'models'>,
  file: AgentFile,
  options: ImportOptions,
): Promise<Imported> {
  const sleepers = sleepersOf(file);
  const isSleeper = (entry: FileAgent) => sleepers.some(({ sleeper }) => sleeper === entry.id);
  const hasSleeper = (entry: FileAgent) => sleepers.some(({ manager }) => manager === entry.id);
  const name = options.name ?? options.override_name;
  const named = file.agents.filter((entry) => !isSleeper(entry));
  if (name && named.length > 1) throw badFile('it holds several agents, which cannot share one name');
  const agents: (AgentFields & { readonly id: string; readonly entry: FileAgent })[] = [];
  for (const entry of file.agents)
    agents.push({
      ...(await toFields(
        models,
        entry,
        isSleeper(entry) && name ? { ...options, name: name + SLEEPER_SUFFIX } : options,
      )),
      enableSleeptime: hasSleeper(entry) || null,
      id: newId('agent'),
      entry,
    });
  const embedding = options.embedding ?? options.override_embedding_handle ?? undefined;
  const readOnes = await readFolders(models, file, embedding);
  return inTransaction(db, async (tx) => {
    const overrides = options.override_existing_tools;
    const tools = await importTools(tx, file.tools ?? [], { overrides });
    const blocks = new Map<string, Block>();
    for (const block of file.blocks ?? []) blocks.set(block.id, await insertBlock(tx, toBlock(block)));
    const folders = await importFolders(tx, file, readOnes);
    for (const agent of agents) await storeAgent(tx, agent, { tools, blocks, folders, options });
    await importSleepers(tx, sleepers, new Map(agents.map(({ id, entry }) => [entry.id, id])));
    const leftOut = [
      ...withoutPlace(file, sleepers.length),
      ...folders.leftOut,
      ...toolsWithoutPlace(file, tools),
    ];
    return { agentIds: agents.map(({ id }) => id), leftOut };
  });
}

function withoutPlace({ agents, sources, groups }: AgentFile, read: number): readonly string[] {
  const held = (sources ?? []).map(({ id }) => id);
  const named = agents.flatMap(({ source_ids, folder_ids }) => [
    ...(source_ids ?? []),
    ...(folder_ids ?? []),
  ]);
  return [
    ...(named.some((id) => !held.includes(id)) ? ['folders that the file names and does not hold'] : []),
    ...((groups ?? []).length > read ? ['groups of agents'] : []),
  ];
}

const toolsWithoutPlace = (file: AgentFile, tools: ReadonlyMap<string, string>): readonly string[] =>
  (file.tools ?? []).filter(({ id }) => !tools.has(id)).map(({ name }) => `the tool '${name}'`);

async function toFields(
  models: ApiDeps['models'],
  entry: FileAgent,
  options: ImportOptions,
): Promise<AgentFields> {
  const agentType = entry.agent_type ?? 'letta_v1_agent';
  const model = await chooseModel(models, await modelBody(models, entry, options), agentType);
  const embedding = options.embedding ?? options.override_embedding_handle ?? undefined;
  const chosen = await chooseEmbedding(models, { embedding, embedding_config: entry.embedding_config });
  const fields: AgentFields = {
    name: nameOf(entry, options),
    agentType,
    system: entry.system ?? defaultSystemPrompt(agentType),
    description: entry.description ?? null,
    embedding: null,
    embeddingConfig: null,
    ...model,
    ...chosen,
    toolRules: entry.tool_rules ?? [],
    tags: [...new Set(entry.tags ?? [])],
    metadata: entry.metadata ?? null,
    secrets: {
      ...entry.tool_exec_environment_variables,
      ...entry.secrets,
      ...options.env_vars_json,
      ...options.secrets,
    },
    timezone: entry.timezone ?? 'UTC',
    messageBufferAutoclear: entry.message_buffer_autoclear ?? false,
    enableSleeptime: null,
    maxFilesOpen: entry.max_files_open ?? 10,
    perFileViewWindowCharLimit: entry.per_file_view_window_char_limit ?? 25_000,
    projectId: options.project_id ?? null,
    templateId: null,
    baseTemplateId: null,
    entityId: null,
    hidden: entry.hidden ?? null,
    lastRunCompletion: null,
    lastRunDurationMs: null,
    lastStopReason: null,
  };
  checkAgentName(fields.name);
  checkTimezone(fields.timezone);
  return fields;
}

/** What the file says of the model. A window that is larger than this server's model has is cut to that. */
async function modelBody(models: ApiDeps['models'], entry: FileAgent, options: ImportOptions) {
  const { llm_config: config, compaction_settings, response_format: format } = entry;
  const handle = options.model ?? options.override_model_handle ?? (await offeredHandle(models, entry));
  const window = config?.context_window;
  const offered = window && handle?.includes('/') ? await models.resolve(handle).catch(() => null) : null;
  const context = window && offered ? { context_window: Math.min(window, offered.contextWindow) } : {};
  return {
    model: handle ?? undefined,
    llm_config: config ? { ...config, ...context, handle: handle ?? undefined } : undefined,
    compaction_settings,
    ...(format && { response_format: format as { readonly type: 'json_object' } }),
  };
}

/** Where no provider offers the handle that a file names, the provider's type and the name of the model count. */
async function offeredHandle(
  models: ApiDeps['models'],
  { model, llm_config: config }: FileAgent,
): Promise<string | null> {
  const handle = model ?? config?.handle ?? null;
  const type = config?.['model_endpoint_type'];
  if (!handle?.includes('/') || typeof type !== 'string') return handle;
  const byName = `${type}/${config?.model ?? ''}`;
  const isOffered = async (one: string) =>
    models.resolve(one).then(
      () => true,
      () => false,
    );
  return !(await isOffered(handle)) && (await isOffered(byName)) ? byName : handle;
}

function nameOf(
  entry: FileAgent,
  { name, override_name: older, append_copy_suffix: suffix }: ImportOptions,
): string {
  return name ?? older ?? (suffix ? `${entry.name}_copy` : entry.name);
}

const toBlock = (block: FileBlock) => {
  checkBlockLabel(block.label);
  return { ...fromWireBlock(block), description: block.description ?? null, id: newId('block') };
};

async function storeAgent(
  tx: Queryable,
  { entry, ...agent }: AgentFields & { readonly id: string; readonly entry: FileAgent },
  {
    tools,
    blocks,
    folders,
    options,
  }: {
    readonly tools: ReadonlyMap<string, string>;
    readonly blocks: ReadonlyMap<string, Block>;
    readonly folders: ImportedFolders;
    readonly options: ImportOptions;
  },
): Promise<void> {
  const { id } = agent;
  await insertAgent(tx, agent);
  const attached = (entry.block_ids ?? []).map((blockId) => {
    const block = blocks.get(blockId);
    if (!block)
      throw badFile(`the agent '${entry.name}' names the block '${blockId}', which the file does not hold`);
    return block;
  });
  checkUniqueLabels(attached.map(({ label }) => label));
  for (const block of attached) await attachBlock(tx, id, block);
  await attachTools(
    tx,
    id,
    (entry.tool_ids ?? []).flatMap((toolId) => tools.get(toolId) ?? []),
  );
  const directories = await attachImported(tx, id, entry, folders);
  await insertThread(tx, {
    agentId: id,
    conversationId: id,
    summary: null,
    messages: [
      firstSystemMessage(agent, attached, { conversationId: id, ...(directories && { directories }) }),
    ],
    memorySeen: memorySeen(attached),
  });
  if (options.strip_messages) return;
  await importMessages(tx, id, { rows: readMessages(entry), order: entry.in_context_message_ids ?? null });
}
