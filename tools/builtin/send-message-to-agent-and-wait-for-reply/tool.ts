import { AGENT_CALL_TYPE } from '../../../domain/agent-calls';
import type { BuiltinTool } from '../../../domain/tool';

export const sendMessageToAgentAndWaitForReplyTool: BuiltinTool = {
  name: 'send_message_to_agent_and_wait_for_reply',
  toolType: AGENT_CALL_TYPE,
  description:
    'Sends a message to one other agent and returns what it answers. The other agent takes a whole turn of its own, so ' +
    'this may take minutes. It knows nothing of your conversation: put everything it needs into the message.',
  parameters: {
    type: 'object',
    properties: {
      message: { type: 'string', description: 'What the other agent is to know, and to do or answer.' },
      other_agent_id: { type: 'string', description: 'Id of the other agent, agent-….' },
    },
    required: ['message', 'other_agent_id'],
  },
  effects: 'transactional',
  enableParallelExecution: true,
};
