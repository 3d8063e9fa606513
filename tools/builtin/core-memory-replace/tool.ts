import type { BuiltinTool } from '../../../domain/tool';

export const coreMemoryReplaceTool: BuiltinTool = {
  name: 'core_memory_replace',
  toolType: 'letta_memory_core',
  description:
    'Replaces a text in one of your memory blocks wherever it occurs. An empty new_content deletes it. Returns the whole ' +
    'block after the edit.',
  parameters: {
    type: 'object',
    properties: {
      label: { type: 'string', description: 'Label of the memory block to change.' },
      old_content: { type: 'string', description: 'The text to replace, exactly as it stands in the block.' },
      new_content: {
        type: 'string',
        description: 'What takes its place. Any Unicode text is fine, emoji included.',
      },
    },
    required: ['label', 'old_content', 'new_content'],
  },
  effects: 'transactional',
  enableParallelExecution: false,
};
