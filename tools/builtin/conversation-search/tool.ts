import type { BuiltinTool } from '../../../domain/tool';

export const conversationSearchTool: BuiltinTool = {
  name: 'conversation_search',
  toolType: 'letta_core',
  description:
    'Searches everything you and the user ever said to each other, including what is no longer in front of you, by ' +
    'the words of query and, where you have an embedding model, by what they mean. The best match comes first, the newest among equals. Without a query it lists messages by role and time alone, for ' +
    'example all of one day. Dates without a time mean the whole day (UTC). Results of tools are only searched when ' +
    'roles asks for them.',
  parameters: {
    type: 'object',
    properties: {
      query: {
        type: 'string',
        description:
          'What to look for, in words you expect to find or as a question. Leave it out to filter by role and time only.',
      },
      roles: {
        type: 'array',
        items: { type: 'string', enum: ['assistant', 'user', 'tool'] },
        description: 'Whose messages to search. Defaults to those of the user and of the assistant.',
      },
      limit: { type: 'integer', description: 'How many results to return at most, 1 to 100. Defaults to 5.' },
      start_date: {
        type: 'string',
        description:
          'Only messages from this moment on: a date (2026-03-01) or a date and time (2026-03-01T14:30).',
      },
      end_date: {
        type: 'string',
        description:
          'Only messages up to this moment, inclusive: a date (2026-03-01) or a date and time (2026-03-01T14:30).',
      },
    },
    required: [],
  },
  effects: 'read',
  enableParallelExecution: true,
};
