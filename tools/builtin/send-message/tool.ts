import type { BuiltinTool } from '../../../domain/tool';

export const sendMessageTool: BuiltinTool = {
  name: 'send_message',
  toolType: 'letta_core',
  description: 'Says something to the person you are talking with. They see nothing else of what you write.',
  parameters: {
    type: 'object',
    properties: {
      message: { type: 'string', description: 'What to say. Any Unicode text is fine, emoji included.' },
    },
    required: ['message'],
  },
  effects: 'read',
  enableParallelExecution: false,
};
