import type { BuiltinTool } from '../../../domain/tool';

export const openFilesTool: BuiltinTool = {
  name: 'open_files',
  toolType: 'letta_files_core',
  description:
    'Reads files of your folders, whole or in part, each line with its number. What you read is the result of this call; a ' +
    'long file is cut, and says where to read on. Open a file again to see it as it is now. Asking for a file that is not ' +
    'there names those that are.',
  parameters: {
    type: 'object',
    properties: {
      file_requests: {
        type: 'array',
        description: 'The files to read.',
        items: {
          type: 'object',
          properties: {
            file_name: {
              type: 'string',
              description: 'The path of the file: its folder, a slash and its name.',
            },
            offset: {
              type: 'integer',
              description: 'How many lines to leave out at the beginning. Defaults to 0.',
            },
            length: {
              type: 'integer',
              description: 'How many lines to read at most. Defaults to all that are left.',
            },
          },
          required: ['file_name'],
        },
      },
      close_all_others: {
        type: 'boolean',
        description: 'Whether every other file counts as closed from now on. Defaults to false.',
      },
    },
    required: ['file_requests'],
  },
  effects: 'idempotent',
  enableParallelExecution: false,
};
