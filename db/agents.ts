import type { Agent, AgentFields, AgentPatch } from '../domain/agent';
import { AppError } from '../domain/errors';
import { addOwner, type IdentityOwner } from './identity-items';
import { type Columns, insertRow, updateSet } from './columns';
import { allOf, type Conditions, createConditions, likePattern, type Page, selectPage } from './keyset';
import type { Queryable } from './pool';
import { shownContextIds } from './read-context';

const COLUMNS: Columns<AgentFields> = {
  name: ['name'],
  agentType: ['agent_type'],
  system: ['system'],
  description: ['description'],
  model: ['model'],
  embedding: ['embedding'],
  llmConfig: ['llm_config', 'jsonb'],
  embeddingConfig: ['embedding_config', 'jsonb'],
  modelSettings: ['model_settings', 'jsonb'],
  compactionSettings: ['compaction_settings', 'jsonb'],
  responseFormat: ['response_format', 'jsonb'],
  toolRules: ['tool_rules', 'jsonb'],
  tags: ['tags'],
  metadata: ['metadata', 'jsonb'],
  secrets: ['secrets', 'jsonb'],
  timezone: ['timezone'],
  messageBufferAutoclear: ['message_buffer_autoclear'],
  enableSleeptime: ['enable_sleeptime'],
  maxFilesOpen: ['max_files_open'],
  perFileViewWindowCharLimit: ['per_file_view_window_char_limit'],
  projectId: ['project_id'],
  templateId: ['template_id'],
  baseTemplateId: ['base_template_id'],
  entityId: ['entity_id'],
  hidden: ['hidden'],
  lastRunCompletion: ['last_run_completion'],
  lastRunDurationMs: ['last_run_duration_ms'],
  lastStopReason: ['last_stop_reason'],
};

const SELECT = `select agents.*,
       ${shownContextIds('agents.id')} as message_ids
  from agents`;

type AgentRow = Readonly<Record<string, unknown>>;

// The select names every column that COLUMNS writes, so a row holds all fields of an agent.
function toAgent(row: AgentRow): Agent {
  const fields = Object.entries(COLUMNS).map(([key, [column]]) => [key, row[column]] as const);
  return {
    ...Object.fromEntries(fields),
    id: row.id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    messageIds: row.message_ids,
  } as Agent;
}

export const agentNotFound = (id: string): AppError =>
  new AppError('NOT_FOUND', `Agent with ID ${id} not found`);

/** Stores an agent. Its thread, blocks and tools are stored by others in the same transaction. */
export async function insertAgent(
  db: Queryable,
  agent: AgentFields & { readonly id: string },
): Promise<void> {
  const { text, values } = insertRow('agents', COLUMNS, agent);
  await db.query(text, values);
}

/** The agent with this id; NOT_FOUND without one. */
export async function getAgent(db: Queryable, id: string): Promise<Agent> {
  const { rows } = await db.query<AgentRow>(`${SELECT} where agents.id = $1`, [id]);
  if (!rows[0]) throw agentNotFound(id);
  return toAgent(rows[0]);
}

/** The agent with this id, locked until the transaction ends; NOT_FOUND without one. */
export async function lockAgent(db: Queryable, id: string): Promise<Agent> {
  const { rows } = await db.query<AgentRow>(`${SELECT} where agents.id = $1 for update of agents`, [id]);
  if (!rows[0]) throw agentNotFound(id);
  return toAgent(rows[0]);
}

/** Throws NOT_FOUND when there is no such agent. */
export async function requireAgent(db: Queryable, id: string): Promise<void> {
  const { rowCount } = await db.query('select 1 from agents where id = $1', [id]);
  if (rowCount === 0) throw agentNotFound(id);
}

/** Writes the given fields of an agent and moves its `updated_at`; NOT_FOUND without one. */
export async function updateAgent(db: Queryable, id: string, patch: AgentPatch): Promise<void> {
  const { set, values } = updateSet(COLUMNS, patch, 2);
  const { rowCount } = await db.query(
    `update agents set ${set === '' ? '' : `${set}, `}updated_at = now() where id = $1`,
    [id, ...values],
  );
  if (rowCount === 0) throw agentNotFound(id);
}

/** Deletes an agent with its sleeper, threads, their own blocks and its runs; shared blocks stay. False when there was none. */
export async function deleteAgent(db: Queryable, id: string): Promise<boolean> {
  const { rows } = await db.query<{ id: string }>(
    `with own as (delete from blocks where id in (
                    select cb.block_id from conversation_blocks cb join conversations c on c.id = cb.conversation_id
                     where c.agent_id = $1))
     delete from agents where id = $1 or id = (select sleeper_agent_id from groups where manager_agent_id = $1)
      returning id`,
    [id],
  );
  return rows.some((row) => row.id === id);
}

export interface AgentFilter extends IdentityOwner {
  readonly name?: string | undefined;
  readonly nameSearch?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly matchAllTags?: boolean | undefined;
  readonly projectId?: string | undefined;
  readonly templateId?: string | undefined;
  readonly baseTemplateId?: string | undefined;
  readonly lastStopReason?: string | undefined;
  readonly blockId?: string | undefined;
  /** Leaves out the agents that are marked as hidden. */
  readonly withoutHidden?: boolean | undefined;
  /** A filter on something that no agent of this version has. */
  readonly matchesNothing?: boolean | undefined;
}

export type AgentSort = 'created_at' | 'updated_at' | 'last_run_completion';
const SORT_BY: Readonly<Record<AgentSort, (t: string) => string>> = {
  created_at: (t) => `${t}.created_at`,
  updated_at: (t) => `${t}.updated_at`,
  // Agents that never ran come last when the newest come first.
  last_run_completion: (t) => `coalesce(${t}.last_run_completion, '-infinity')`,
};

/** One page of the agents that match every given filter. */
export async function listAgents(
  db: Queryable,
  filter: AgentFilter,
  page: Page & { readonly sortBy: AgentSort },
): Promise<readonly Agent[]> {
  const { where, values } = agentConditions(filter);
  const rows = await selectPage<AgentRow>(db, {
    table: 'agents',
    select: SELECT,
    where,
    values,
    sortBy: SORT_BY[page.sortBy],
    page,
  });
  return rows.map(toAgent);
}

/** How many agents match every given filter. */
export async function countAgents(db: Queryable, filter: AgentFilter): Promise<number> {
  const { where, values } = agentConditions(filter);
  const { rows } = await db.query<{ count: number }>(
    `select count(*) from agents where ${allOf(where)}`,
    values,
  );
  return rows[0]?.count ?? 0;
}

function agentConditions(filter: AgentFilter): Conditions {
  const conditions = createConditions();
  const { name, nameSearch, tags, projectId, templateId, baseTemplateId, lastStopReason, blockId } = filter;
  if (name !== undefined) conditions.add('agents.name = ?', name);
  if (nameSearch !== undefined) conditions.add('agents.name ilike ?', likePattern(nameSearch));
  if (tags && tags.length > 0)
    conditions.add(`agents.tags ${filter.matchAllTags ? '@>' : '&&'} ?::text[]`, tags);
  if (projectId !== undefined) conditions.add('agents.project_id = ?', projectId);
  if (templateId !== undefined) conditions.add('agents.template_id = ?', templateId);
  if (baseTemplateId !== undefined) conditions.add('agents.base_template_id = ?', baseTemplateId);
  addOwner(conditions, 'agent', filter);
  if (lastStopReason !== undefined) conditions.add('agents.last_stop_reason = ?', lastStopReason);
  if (blockId !== undefined)
    conditions.add('agents.id in (select ab.agent_id from agent_blocks ab where ab.block_id = ?)', blockId);
  if (filter.withoutHidden) conditions.add('agents.hidden is not true');
  if (filter.matchesNothing) conditions.add('false');
  return conditions;
}

export interface TagPage extends Page {
  readonly search?: string | undefined;
}

/** One page of the tags that agents and blocks carry, each once, in alphabetical order of their characters. */
export async function listTags(db: Queryable, page: TagPage): Promise<readonly string[]> {
  const conditions = createConditions();
  if (page.search !== undefined) conditions.add('tag ilike ?', likePattern(page.search));
  const isAscending = page.order === 'asc';
  if (page.after !== undefined) conditions.add(`tag collate "C" ${isAscending ? '>' : '<'} ?`, page.after);
  if (page.before !== undefined) conditions.add(`tag collate "C" ${isAscending ? '<' : '>'} ?`, page.before);
  const { where, values } = conditions;
  const isBackwards = page.before !== undefined && page.after === undefined;
  const direction = isAscending === isBackwards ? 'desc' : 'asc';
  const { rows } = await db.query<{ tag: string }>(
    `select tag from (select unnest(tags) as tag from agents union select unnest(tags) from blocks) all_tags
      where ${allOf(where)}
      order by tag collate "C" ${direction}
      limit $${values.length + 1}`,
    [...values, page.limit],
  );
  const tags = rows.map((row) => row.tag);
  return isBackwards ? tags.reverse() : tags;
}
