import type { BuiltinTool } from '../../../domain/tool';

export const memoryInsertTool: BuiltinTool = {
  name: 'memory_insert',
  toolType: 'letta_sleeptime_core',
  description:
    'Adds text to one of your memory blocks without touching what is already there. The text becomes lines of its own, ' +
    'at the end of the block unless insert_line says where. Use it for facts that are new to the block; use ' +
    'memory_replace to correct a fact that has changed. Returns the whole block after the edit.',
  parameters: {
    type: 'object',
    properties: {
      label: { type: 'string', description: 'Label of the memory block to add to.' },
      new_string: { type: 'string', description: 'The text to add, without line numbers.' },
      insert_line: {
        type: 'integer',
        description:
          'Line after which the text goes: 0 is the beginning of the block, -1 (the default) its end.',
      },
    },
    required: ['label', 'new_string'],
  },
  effects: 'transactional',
  enableParallelExecution: false,
};
