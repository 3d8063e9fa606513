import type { SeedMessage } from '../db/agent-threads';
import type { AgentFields, AgentType } from '../domain/agent';
import type { Directory } from '../domain/agent-files';
import type { ArchiveSummary } from '../domain/archive';
import type { Block } from '../domain/block';
import { bootMessages } from '../domain/boot-messages';
import { compileSystemPrompt } from '../domain/system-prompt';
import type { Tool } from '../domain/tool';
import { newId } from '../new-id';

/** The system message that a thread begins with. `archive` and `directories` are what the agent has by then. */
export function firstSystemMessage(
  agent: AgentFields & { readonly id: string },
  blocks: readonly Block[],
  {
    conversationId,
    archive,
    directories,
  }: {
    readonly conversationId: string;
    readonly archive?: ArchiveSummary;
    readonly directories?: readonly Directory[];
  },
): SeedMessage {
  const text = compileSystemPrompt({
    system: agent.system,
    agentType: agent.agentType,
    blocks,
    toolRules: agent.toolRules,
    agentId: agent.id,
    conversationId,
    compiledAt: new Date(),
    recallCount: 0,
    ...(archive && { archive }),
    ...(directories && { directories }),
  });
  return seedMessage('system', [{ type: 'text', text }]);
}

/** A message that is there before any turn, under a fresh id. */
export const seedMessage = (role: SeedMessage['role'], parts: SeedMessage['parts']): SeedMessage => ({
  id: newId('message'),
  role,
  parts,
  name: null,
  otid: null,
  senderId: null,
});

/** What agents of this type begin with behind their system message, if anything. */
export function defaultMessages(agentType: AgentType, tools: readonly Tool[]): readonly SeedMessage[] {
  const toolNames = tools.map(({ name }) => name);
  const callId = `call_${newId('job').slice(4, 16)}`;
  return bootMessages({ agentType, toolNames }, { at: new Date(), callId }).map(({ role, parts }) =>
    seedMessage(role, parts),
  );
}
