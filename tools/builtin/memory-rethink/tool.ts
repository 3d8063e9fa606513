import type { BuiltinTool } from '../../../domain/tool';

export const memoryRethinkTool: BuiltinTool = {
  name: 'memory_rethink',
  toolType: 'letta_sleeptime_core',
  description:
    'Rewrites one of your memory blocks from the first line to the last. Use it to reorganise, condense or merge what ' +
    'the block holds; for a single fact memory_insert and memory_replace are safer. Whatever new_memory leaves out is ' +
    'forgotten. Returns the whole block after the edit.',
  parameters: {
    type: 'object',
    properties: {
      label: { type: 'string', description: 'Label of the memory block to rewrite.' },
      new_memory: {
        type: 'string',
        description: 'The complete new content of the block, without line numbers.',
      },
    },
    required: ['label', 'new_memory'],
  },
  effects: 'transactional',
  enableParallelExecution: false,
};
