import type { BuiltinTool } from '../../../domain/tool';

export const semanticSearchFilesTool: BuiltinTool = {
  name: 'semantic_search_files',
  toolType: 'letta_files_core',
  description:
    'Searches the files in your folders by what they say: by the words of query and, where a folder has an embedding model, by ' +
    'what they mean. The best passage comes first, with its file and the numbers of its lines. Use it where you do not know ' +
    'the words that a file uses.',
  parameters: {
    type: 'object',
    properties: {
      query: {
        type: 'string',
        description: 'What to look for, as a question or in words you expect to find.',
      },
      limit: {
        type: 'integer',
        description: 'How many passages to return at most, 1 to 50. Defaults to 5.',
      },
    },
    required: ['query'],
  },
  effects: 'read',
  enableParallelExecution: true,
};
