import type { Block } from '../domain/block';
import { labelTaken } from '../domain/block';
import type { ApprovalExpiry } from '../domain/approval';
import { AppError } from '../domain/errors';
import type { Tool, ToolEffects } from '../domain/tool';
import { type BlockRow, toBlock } from './blocks';
import { type Page, selectPage } from './keyset';
import type { Queryable } from './pool';
import { EFFECTS_FOR_AGENT, EXPIRY_FOR_AGENT, type ToolRow, toTool } from './tools';

/** The blocks of each of these agents, in the order they were attached. Agents without blocks have no entry. */
export async function blocksOf(
  db: Queryable,
  agentIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Block[]>> {
  const { rows } = await db.query<BlockRow & { agent_id: string }>(
    `select ab.agent_id, blocks.*
       from agent_blocks ab join blocks on blocks.id = ab.block_id
      where ab.agent_id = any($1)
      order by ab.position`,
    [agentIds],
  );
  return groupByAgent(rows, toBlock);
}

/** The tools of each of these agents, in the order they were attached. Agents without tools have no entry. */
export async function toolsOf(
  db: Queryable,
  agentIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Tool[]>> {
  const { rows } = await db.query<ToolRow & { agent_id: string }>(
    `select at.agent_id, t.*, ${EFFECTS_FOR_AGENT} as effects, ${EXPIRY_FOR_AGENT} as approval_expiry
       from agent_tools at join tools t on t.id = at.tool_id
      where at.agent_id = any($1)
      order by at.position`,
    [agentIds],
  );
  return groupByAgent(rows, toTool);
}

function groupByAgent<Row extends { readonly agent_id: string }, T>(
  rows: readonly Row[],
  convert: (row: Row) => T,
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) {
    const group = groups.get(row.agent_id) ?? [];
    group.push(convert(row));
    groups.set(row.agent_id, group);
  }
  return groups;
}

/** One page of an agent's blocks. */
export async function listBlocksOf(db: Queryable, agentId: string, page: Page): Promise<readonly Block[]> {
  const rows = await selectPage<BlockRow>(db, {
    table: 'blocks',
    select: 'select blocks.* from blocks join agent_blocks ab on ab.block_id = blocks.id',
    where: ['ab.agent_id = $1'],
    values: [agentId],
    sortBy: (t) => `${t}.created_at`,
    page,
  });
  return rows.map(toBlock);
}

/** An agent's block of this label, locked until the transaction ends if `lock` asks so; NOT_FOUND without one. */
export async function getBlockOf(
  db: Queryable,
  {
    agentId,
    label,
    lock = false,
  }: { readonly agentId: string; readonly label: string; readonly lock?: boolean },
): Promise<Block> {
  const { rows } = await db.query<BlockRow>(
    `select blocks.* from blocks join agent_blocks ab on ab.block_id = blocks.id
      where ab.agent_id = $1 and ab.label = $2 ${lock ? 'for update of blocks' : ''}`,
    [agentId, label],
  );
  if (rows[0]) return toBlock(rows[0]);
  throw new AppError('NOT_FOUND', `No block with label '${label}' found for agent '${agentId}'`);
}

/**
 * Attaches a block, to the agent's sleeper as well unless that has another one of this label. Again is no change; CONFLICT
 * when another block of the agent has the label.
 */
export async function attachBlock(
  db: Queryable,
  agentId: string,
  block: Pick<Block, 'id' | 'label'>,
): Promise<void> {
  await db
    .query(
      `with own as (insert into agent_blocks (agent_id, block_id, label) values ($1, $2, $3)
                    on conflict (agent_id, block_id) do nothing)
       insert into agent_blocks (agent_id, block_id, label)
       select sleeper_agent_id, $2, $3 from groups where manager_agent_id = $1 on conflict do nothing`,
      [agentId, block.id, block.label],
    )
    .catch(rethrowLabelTaken(block.label));
}

/** Detaches every block of an agent but these. */
export async function detachOtherBlocks(
  db: Queryable,
  agentId: string,
  blockIds: readonly string[],
): Promise<void> {
  await db.query('delete from agent_blocks where agent_id = $1 and not block_id = any($2)', [
    agentId,
    blockIds,
  ]);
}

/** Detaches a block. False when it was not attached. */
export async function detachBlock(db: Queryable, agentId: string, blockId: string): Promise<boolean> {
  const { rowCount } = await db.query('delete from agent_blocks where agent_id = $1 and block_id = $2', [
    agentId,
    blockId,
  ]);
  return rowCount === 1;
}

/** Follows a block's new label on every agent that has it; CONFLICT when one of them has that label already. */
export async function relabelAttached(db: Queryable, block: Pick<Block, 'id' | 'label'>): Promise<void> {
  await db
    .query('update agent_blocks set label = $2 where block_id = $1', [block.id, block.label])
    .catch(rethrowLabelTaken(block.label));
}

const rethrowLabelTaken =
  (label: string) =>
  (error: unknown): never => {
    const isTaken =
      error instanceof Error && 'constraint' in error && error.constraint === 'unique_label_per_agent';
    throw isTaken ? labelTaken(label) : error;
  };

/** One page of an agent's tools. */
export async function listToolsOf(db: Queryable, agentId: string, page: Page): Promise<readonly Tool[]> {
  const rows = await selectPage<ToolRow>(db, {
    table: 'tools',
    select: `select tools.*, ${EFFECTS_FOR_AGENT} as effects, ${EXPIRY_FOR_AGENT} as approval_expiry
               from tools join tools t on t.id = tools.id join agent_tools at on at.tool_id = t.id`,
    where: ['at.agent_id = $1'],
    values: [agentId],
    sortBy: (t) => `${t}.created_at`,
    page,
  });
  return rows.map(toTool);
}

/**
 * Attaches tools in the order given; those already attached keep their place and their approval setting. What writes to
 * memory waits for approval from the start on a sleeper whose edits are reviewed.
 */
export async function attachTools(db: Queryable, agentId: string, toolIds: readonly string[]): Promise<void> {
  await db.query(
    `insert into agent_tools (agent_id, tool_id, requires_approval)
     select $1, wanted.id,
            (select true from groups g join tools t on t.id = wanted.id and t.effects = 'transactional'
              where g.sleeper_agent_id = $1 and g.review_seconds is not null)
       from unnest($2::text[]) with ordinality as wanted (id, place) order by place
     on conflict (agent_id, tool_id) do nothing`,
    [agentId, toolIds],
  );
}

/** Detaches a tool. False when it was not attached. */
export async function detachTool(db: Queryable, agentId: string, toolId: string): Promise<boolean> {
  const { rowCount } = await db.query('delete from agent_tools where agent_id = $1 and tool_id = $2', [
    agentId,
    toolId,
  ]);
  return rowCount === 1;
}

/** Makes these the only tools of an agent; those that stay keep their place and their approval setting. */
export async function replaceTools(
  db: Queryable,
  agentId: string,
  toolIds: readonly string[],
): Promise<void> {
  await db.query('delete from agent_tools where agent_id = $1 and not tool_id = any($2)', [agentId, toolIds]);
  await attachTools(db, agentId, toolIds);
}

/**
 * Says that an agent's calls of a tool do not wait for approval, whatever the tool says, or leaves that to the tool and the
 * rules of the agent; NOT_FOUND when the agent has no tool of that name.
 */
export async function setToolApproval(
  db: Queryable,
  approval: { readonly agentId: string; readonly toolName: string; readonly requiresApproval: boolean },
): Promise<void> {
  const { rowCount } = await db.query(
    `update agent_tools at set requires_approval = nullif($3::boolean, true)
       from tools where tools.id = at.tool_id and at.agent_id = $1 and tools.name = $2`,
    [approval.agentId, approval.toolName, approval.requiresApproval],
  );
  if (rowCount === 0) throw toolNotAttached(approval);
}

/** Says what answers an agent's calls of a tool when no human does, whatever the tool says; null waits for ever. */
export async function setToolExpiry(
  db: Queryable,
  at: { readonly agentId: string; readonly toolName: string; readonly expiry: ApprovalExpiry | null },
): Promise<void> {
  const { rowCount } = await db.query(
    `update agent_tools at set approval_expiry = $3
       from tools where tools.id = at.tool_id and at.agent_id = $1 and tools.name = $2`,
    [at.agentId, at.toolName, JSON.stringify(at.expiry)],
  );
  if (rowCount === 0) throw toolNotAttached(at);
}

/**
 * Says what an agent's calls of a tool may do; null leaves it to the tool. NOT_FOUND when the agent has no tool of that
 * name, INVALID_ARGUMENT for a transactional one.
 */
export async function setToolEffects(
  db: Queryable,
  {
    effects,
    ...at
  }: { readonly agentId: string; readonly toolName: string; readonly effects: ToolEffects | null },
): Promise<void> {
  const { rows } = await db.query<{ effects: ToolEffects }>(
    `update agent_tools at set effects = case when t.effects = 'transactional' then null else $3 end
       from tools t where t.id = at.tool_id and at.agent_id = $1 and t.name = $2 returning t.effects`,
    [at.agentId, at.toolName, effects],
  );
  if (!rows[0]) throw toolNotAttached(at);
  if (effects === null || rows[0].effects !== 'transactional') return;
  throw new AppError(
    'INVALID_ARGUMENT',
    `INVALID_ARGUMENT: '${at.toolName}' writes in one transaction with its ledger row; its effects cannot be changed.`,
  );
}

/** The error for a tool that an agent does not have. */
export const toolNotAttached = ({ agentId, toolName }: { agentId: string; toolName: string }): AppError =>
  new AppError('NOT_FOUND', `Tool '${toolName}' is not attached to agent '${agentId}'. Attach it first.`);
