import { blocksOf, toolsOf } from '../db/agent-attachments';
import { getAgent } from '../db/agents';
import { findRequestsOf } from '../db/approvals';
import { foldersOf } from '../db/folders/agent-folders';
import { groupsOf } from '../db/groups';
import { identitiesOf } from '../db/identity-items';
import type { Queryable } from '../db/pool';
import type { Agent } from '../domain/agent';
import { type AgentState, RELATIONS, type Relation } from './wire/agent';

/** An agent with the relations that `include` names; NOT_FOUND without one. */
export async function loadAgentState(
  db: Queryable,
  agentId: string,
  include: readonly Relation[] = RELATIONS,
): Promise<AgentState> {
  const [state] = await withRelations(db, [await getAgent(db, agentId)], include);
  return state as AgentState; // one agent in, one state out
}

/** Agents with the relations that `include` names, in the same order. */
export async function withRelations(
  db: Queryable,
  agents: readonly Agent[],
  include: readonly Relation[],
): Promise<readonly AgentState[]> {
  const ids = agents.map((agent) => agent.id);
  const blocks = include.includes('blocks') ? await blocksOf(db, ids) : null;
  const tools = include.includes('tools') ? await toolsOf(db, ids) : null;
  const identities = include.includes('identities') ? await identitiesOf(db, ids) : null;
  const folders = include.includes('sources') ? await foldersOf(db, ids) : null;
  const groups = include.includes('managed_group') ? await groupsOf(db, ids) : null;
  const requests = include.includes('pending_approval') ? await findRequestsOf(db, ids) : null;
  return agents.map((agent) => ({
    agent,
    blocks: blocks?.get(agent.id) ?? [],
    tools: tools?.get(agent.id) ?? [],
    identities: identities?.get(agent.id) ?? [],
    folders: folders?.get(agent.id) ?? [],
    group: groups?.get(agent.id) ?? null,
    request: requests?.get(agent.id) ?? null,
  }));
}
