import { attachBlock, attachTools, blocksOf } from '../db/agent-attachments';
import { insertThread } from '../db/agent-threads';
import { insertAgent } from '../db/agents';
import { groupsOf, insertGroup } from '../db/groups';
import type { Queryable } from '../db/pool';
import { findToolsByName } from '../db/tools';
import type { AgentFields, AgentType } from '../domain/agent';
import { baseToolNames, baseToolRules } from '../domain/agent-defaults';
import type { Block } from '../domain/block';
import { DEFAULT_SLEEPTIME_FREQUENCY } from '../domain/group';
import { memorySeen } from '../domain/prompt';
import { defaultSystemPrompt } from '../domain/system-prompt';
import { newId } from '../new-id';
import { firstSystemMessage } from './system-message';

const SLEEPER = 'sleeptime_agent';
/** What the name of a sleeper adds to that of its agent. */
export const SLEEPER_SUFFIX = '-sleeptime';

/** A sleeper needs none of its own. */
export const canHaveSleeper = (agentType: AgentType): boolean =>
  agentType !== SLEEPER && agentType !== 'voice_sleeptime_agent';

/** Creates the agent that keeps the memory of another one, and their group, in the caller's transaction. */
export async function createSleeper(
  db: Queryable,
  manager: AgentFields & { readonly id: string },
  blocks: readonly Block[],
): Promise<void> {
  const names = baseToolNames({ agentType: SLEEPER, includeBaseTools: true, includeMultiAgentTools: false });
  const found = await findToolsByName(db, names);
  const tools = names.flatMap((name) => found.filter((tool) => tool.name === name));
  const id = newId('agent');
  const sleeper: AgentFields & { readonly id: string } = {
    ...manager,
    id,
    name: manager.name.slice(0, 256 - SLEEPER_SUFFIX.length) + SLEEPER_SUFFIX,
    agentType: SLEEPER,
    system: defaultSystemPrompt(SLEEPER),
    description: null,
    tags: [],
    metadata: null,
    secrets: {},
    responseFormat: null,
    enableSleeptime: null,
    messageBufferAutoclear: false,
    toolRules: baseToolRules({
      agentType: SLEEPER,
      model: manager.model,
      toolNames: tools.map(({ name }) => name),
      include: true,
      callerGaveRules: false,
    }),
  };
  await insertAgent(db, sleeper);
  for (const block of blocks) await attachBlock(db, id, block);
  await attachTools(db, id, tools.map((tool) => tool.id)); // prettier-ignore
  await insertThread(db, {
    agentId: id,
    conversationId: id,
    summary: null,
    messages: [firstSystemMessage(sleeper, blocks, { conversationId: id })],
    memorySeen: memorySeen(blocks),
  });
  await insertGroup(db, {
    id: newId('group'),
    managerAgentId: manager.id,
    sleeperAgentId: id,
    frequency: DEFAULT_SLEEPTIME_FREQUENCY,
  });
}

/** Gives an agent that has no sleeper one, in the caller's transaction. */
export async function ensureSleeper(
  db: Queryable,
  agent: AgentFields & { readonly id: string },
): Promise<void> {
  if (!canHaveSleeper(agent.agentType) || (await groupsOf(db, [agent.id])).has(agent.id)) return;
  await createSleeper(db, agent, (await blocksOf(db, [agent.id])).get(agent.id) ?? []);
}
