import type { BuiltinTool } from '../../../domain/tool';

export const archivalMemoryInsertTool: BuiltinTool = {
  name: 'archival_memory_insert',
  toolType: 'letta_core',
  description:
    'Puts a text into your archive, which holds any amount and is not in view: only archival_memory_search brings it ' +
    'back. Use it for facts, notes and documents that matter now and then. Write each so that it makes sense alone, with ' +
    'names and dates instead of "he" and "yesterday". Tags make it easier to find again.',
  parameters: {
    type: 'object',
    properties: {
      content: { type: 'string', description: 'The text to keep.' },
      tags: {
        type: 'array',
        items: { type: 'string' },
        description: 'Short labels by which a search can be narrowed, for example a project or a person.',
      },
    },
    required: ['content'],
  },
  effects: 'transactional',
  enableParallelExecution: false,
};
