import type { BuiltinTool } from '../../../domain/tool';

export const archivalMemorySearchTool: BuiltinTool = {
  name: 'archival_memory_search',
  toolType: 'letta_core',
  description:
    'Searches your archive, by the words of query and, where the archive has an embedding model, by what they mean. The ' +
    'best match comes first. Ask as you would ask a person, or with the words you expect to find. Tags and dates narrow ' +
    'the search. Returns a list of passages with id, timestamp, content and tags.',
  parameters: {
    type: 'object',
    properties: {
      query: { type: 'string', description: 'What to look for.' },
      tags: { type: 'array', items: { type: 'string' }, description: 'Only passages that carry these tags.' },
      tag_match_mode: {
        type: 'string',
        enum: ['any', 'all'],
        description: 'Whether a passage needs one of the tags ("any", the default) or every one ("all").',
      },
      top_k: {
        type: 'integer',
        description: 'How many passages to return at most, 1 to 100. Defaults to 5.',
      },
      start_datetime: {
        type: 'string',
        description:
          'Only passages from this moment on: a date (2026-03-01) or a date and time (2026-03-01T14:30).',
      },
      end_datetime: {
        type: 'string',
        description:
          'Only passages up to this moment, inclusive: a date (2026-03-01) or a date and time (2026-03-01T14:30).',
      },
    },
    required: ['query'],
  },
  effects: 'read',
  enableParallelExecution: true,
};
