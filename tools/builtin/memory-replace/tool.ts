import type { BuiltinTool } from '../../../domain/tool';

export const memoryReplaceTool: BuiltinTool = {
  name: 'memory_replace',
  toolType: 'letta_sleeptime_core',
  description:
    'Changes a passage of one of your memory blocks. old_string is the passage as it stands now, copied exactly with its ' +
    'spaces and line breaks and without line numbers. It must occur once in the block: include a few neighbouring words ' +
    'if it is ambiguous. new_string takes its place; an empty new_string deletes the passage. Returns the whole block ' +
    'after the edit.',
  parameters: {
    type: 'object',
    properties: {
      label: { type: 'string', description: 'Label of the memory block to change.' },
      old_string: {
        type: 'string',
        description: 'The passage to change, exactly as it stands in the block.',
      },
      new_string: { type: 'string', description: 'What takes its place, without line numbers.' },
    },
    required: ['label', 'old_string', 'new_string'],
  },
  effects: 'transactional',
  enableParallelExecution: false,
};
