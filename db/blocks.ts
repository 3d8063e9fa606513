import type { Block, BlockFields, BlockPatch } from '../domain/block';
import { AppError } from '../domain/errors';
import { addOwner, type IdentityOwner } from './identity-items';
import { type Columns, insertRow, updateSet } from './columns';
import { allOf, type Conditions, createConditions, likePattern, type Page, selectPage } from './keyset';
import type { Queryable } from './pool';

const COLUMNS: Columns<BlockFields> = {
  label: ['label'],
  value: ['value'],
  limit: ['limit'],
  description: ['description'],
  readOnly: ['read_only'],
  metadata: ['metadata', 'jsonb'],
  tags: ['tags'],
  hidden: ['hidden'],
  isTemplate: ['is_template'],
  templateName: ['template_name'],
  templateId: ['template_id'],
  baseTemplateId: ['base_template_id'],
  deploymentId: ['deployment_id'],
  entityId: ['entity_id'],
  projectId: ['project_id'],
  preserveOnMigration: ['preserve_on_migration'],
};

export interface BlockRow {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  readonly limit: number;
  readonly description: string | null;
  readonly read_only: boolean;
  readonly metadata: Record<string, unknown>;
  readonly tags: string[];
  readonly hidden: boolean | null;
  readonly is_template: boolean;
  readonly template_name: string | null;
  readonly template_id: string | null;
  readonly base_template_id: string | null;
  readonly deployment_id: string | null;
  readonly entity_id: string | null;
  readonly project_id: string | null;
  readonly preserve_on_migration: boolean;
  readonly version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const toBlock = (row: BlockRow): Block => ({
  id: row.id,
  label: row.label,
  value: row.value,
  limit: row.limit,
  description: row.description,
  readOnly: row.read_only,
  metadata: row.metadata,
  tags: row.tags,
  hidden: row.hidden,
  isTemplate: row.is_template,
  templateName: row.template_name,
  templateId: row.template_id,
  baseTemplateId: row.base_template_id,
  deploymentId: row.deployment_id,
  entityId: row.entity_id,
  projectId: row.project_id,
  preserveOnMigration: row.preserve_on_migration,
  version: row.version,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

export const blockNotFound = (id: string): AppError =>
  new AppError('NOT_FOUND', `Block with id '${id}' not found`);

/** Stores a block. The caller has checked its label and value. */
export async function insertBlock(
  db: Queryable,
  block: BlockFields & { readonly id: string },
): Promise<Block> {
  const { text, values } = insertRow('blocks', COLUMNS, block);
  const { rows } = await db.query<BlockRow>(`${text} returning *`, values);
  return toBlock(rows[0] as BlockRow);
}

/** The block with this id; NOT_FOUND without one. */
export async function getBlock(db: Queryable, id: string): Promise<Block> {
  const { rows } = await db.query<BlockRow>('select * from blocks where id = $1', [id]);
  if (!rows[0]) throw blockNotFound(id);
  return toBlock(rows[0]);
}

/** The blocks with these ids, in the order of `ids`; NOT_FOUND if one is missing. */
export async function getBlocks(db: Queryable, ids: readonly string[]): Promise<readonly Block[]> {
  const { rows } = await db.query<BlockRow>('select * from blocks where id = any($1)', [ids]);
  const found = new Map(rows.map((row) => [row.id, toBlock(row)]));
  return ids.map((id) => {
    const block = found.get(id);
    if (!block) throw blockNotFound(id);
    return block;
  });
}

/** The block with this id, locked until the transaction ends: no memory edit can come between reading and writing. */
export async function lockBlock(db: Queryable, id: string): Promise<Block> {
  const { rows } = await db.query<BlockRow>('select * from blocks where id = $1 for update', [id]);
  if (!rows[0]) throw blockNotFound(id);
  return toBlock(rows[0]);
}

/**
 * Writes the given fields of a block that the caller has locked and checked. A changed value takes a new version, by
 * which the threads that show the block learn that they are behind.
 */
export async function updateBlock(db: Queryable, id: string, patch: BlockPatch): Promise<Block> {
  const { set, values } = updateSet(COLUMNS, patch, 3);
  const { rows } = await db.query<BlockRow>(
    `update blocks
        set ${set === '' ? '' : `${set}, `}updated_at = now(),
            version = version + case when value is distinct from coalesce($2, value) then 1 else 0 end
      where id = $1
      returning *`,
    [id, patch.value ?? null, ...values],
  );
  if (!rows[0]) throw blockNotFound(id);
  return toBlock(rows[0]);
}

/** Deletes a block and takes it from every agent. False when there was none. */
export async function deleteBlock(db: Queryable, id: string): Promise<boolean> {
  const { rowCount } = await db.query('delete from blocks where id = $1', [id]);
  return rowCount === 1;
}

export interface BlockFilter extends IdentityOwner {
  readonly label?: string | undefined;
  readonly labelSearch?: string | undefined;
  readonly descriptionSearch?: string | undefined;
  readonly valueSearch?: string | undefined;
  readonly templateName?: string | undefined;
  readonly templatesOnly?: boolean | undefined;
  readonly projectId?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly matchAllTags?: boolean | undefined;
  /** Leaves out the blocks that are marked as hidden. */
  readonly withoutHidden?: boolean | undefined;
  readonly agentCountAbove?: number | undefined;
  readonly agentCountBelow?: number | undefined;
  readonly agentCountIn?: readonly number[] | undefined;
}

/** One page of the blocks that match every given filter. */
export async function listBlocks(db: Queryable, filter: BlockFilter, page: Page): Promise<readonly Block[]> {
  const { where, values } = blockConditions(filter);
  const rows = await selectPage<BlockRow>(db, {
    table: 'blocks',
    select: 'select blocks.* from blocks',
    where,
    values,
    sortBy: (t) => `${t}.created_at`,
    page,
  });
  return rows.map(toBlock);
}

/** How many blocks match every given filter. */
export async function countBlocks(db: Queryable, filter: BlockFilter): Promise<number> {
  const { where, values } = blockConditions(filter);
  const { rows } = await db.query<{ count: number }>(
    `select count(*) from blocks where ${allOf(where)}`,
    values,
  );
  return rows[0]?.count ?? 0;
}

const AGENT_COUNT = '(select count(*) from agent_blocks ab where ab.block_id = blocks.id)';

function blockConditions(filter: BlockFilter): Conditions {
  const conditions = createConditions();
  const { label, labelSearch, descriptionSearch, valueSearch, templateName, projectId, tags } = filter;
  if (label !== undefined) conditions.add('label = ?', label);
  if (labelSearch !== undefined) conditions.add('label ilike ?', likePattern(labelSearch));
  if (descriptionSearch !== undefined) conditions.add('description ilike ?', likePattern(descriptionSearch));
  if (valueSearch !== undefined) conditions.add('value ilike ?', likePattern(valueSearch));
  if (templateName !== undefined) conditions.add('template_name = ?', templateName);
  if (filter.templatesOnly) conditions.add('is_template');
  if (projectId !== undefined) conditions.add('project_id = ?', projectId);
  if (tags && tags.length > 0) conditions.add(`tags ${filter.matchAllTags ? '@>' : '&&'} ?::text[]`, tags);
  addOwner(conditions, 'block', filter);
  if (filter.withoutHidden) conditions.add('blocks.hidden is not true');
  if (filter.agentCountAbove !== undefined) conditions.add(`${AGENT_COUNT} > ?`, filter.agentCountAbove);
  if (filter.agentCountBelow !== undefined) conditions.add(`${AGENT_COUNT} < ?`, filter.agentCountBelow);
  if (filter.agentCountIn && filter.agentCountIn.length > 0)
    conditions.add(`${AGENT_COUNT} = any(?::bigint[])`, filter.agentCountIn);
  return conditions;
}
