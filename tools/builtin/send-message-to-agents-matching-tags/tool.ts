import { AGENT_CALL_TYPE } from '../../../domain/agent-calls';
import type { BuiltinTool } from '../../../domain/tool';

const tags = (description: string) => ({ type: 'array', items: { type: 'string' }, description });

export const sendMessageToAgentsMatchingTagsTool: BuiltinTool = {
  name: 'send_message_to_agents_matching_tags',
  toolType: AGENT_CALL_TYPE,
  description:
    'Sends one message to every other agent that has the given tags, and returns all of their answers as a list. They ' +
    'work side by side. They know nothing of your conversation: put everything they need into the message.',
  parameters: {
    type: 'object',
    properties: {
      message: { type: 'string', description: 'What the other agents are to know, and to do or answer.' },
      match_all: tags('Tags that an agent must have, all of them.'),
      match_some: tags('Tags of which an agent must have at least one.'),
    },
    required: ['message'],
  },
  effects: 'transactional',
  enableParallelExecution: true,
};
