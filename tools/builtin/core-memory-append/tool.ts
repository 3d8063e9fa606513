import type { BuiltinTool } from '../../../domain/tool';

export const coreMemoryAppendTool: BuiltinTool = {
  name: 'core_memory_append',
  toolType: 'letta_memory_core',
  description: 'Adds a line at the end of one of your memory blocks. Returns the whole block after the edit.',
  parameters: {
    type: 'object',
    properties: {
      label: { type: 'string', description: 'Label of the memory block to add to.' },
      content: { type: 'string', description: 'The text to add. Any Unicode text is fine, emoji included.' },
    },
    required: ['label', 'content'],
  },
  effects: 'transactional',
  enableParallelExecution: false,
};
