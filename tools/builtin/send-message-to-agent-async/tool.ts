import { AGENT_CALL_TYPE } from '../../../domain/agent-calls';
import type { BuiltinTool } from '../../../domain/tool';

export const sendMessageToAgentAsyncTool: BuiltinTool = {
  name: 'send_message_to_agent_async',
  toolType: AGENT_CALL_TYPE,
  description:
    'Sends a message to one other agent and does not wait: you go on at once and get no answer. If the other agent wants ' +
    'to tell you something, it sends you a message, which reaches you as a turn of its own.',
  parameters: {
    type: 'object',
    properties: {
      message: { type: 'string', description: 'What the other agent is to know or to do.' },
      other_agent_id: { type: 'string', description: 'Id of the other agent, agent-….' },
    },
    required: ['message', 'other_agent_id'],
  },
  effects: 'transactional',
  enableParallelExecution: true,
};
