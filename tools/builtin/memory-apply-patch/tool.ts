import type { BuiltinTool } from '../../../domain/tool';

export const memoryApplyPatchTool: BuiltinTool = {
  name: 'memory_apply_patch',
  toolType: 'letta_memory_core',
  description:
    'Changes several lines of your memory in one call. A patch for one block is a diff without file headers: unchanged ' +
    'lines start with a space, lines to remove with "-", lines to add with "+", and "@@" separates places. A patch for ' +
    'several blocks has headers: "*** Add Block: <label>" (an optional line "Description: <text>", then lines with "+"), ' +
    '"*** Update Block: <label>" (then a diff), "*** Move to: <label>" below it to rename the block, and ' +
    '"*** Delete Block: <label>". Either the whole patch is applied or nothing of it.',
  parameters: {
    type: 'object',
    properties: {
      label: {
        type: 'string',
        description: 'Label of the block that a patch without headers changes. With headers it is not used.',
      },
      patch: { type: 'string', description: 'The patch, without line numbers.' },
    },
    required: ['label', 'patch'],
  },
  effects: 'transactional',
  enableParallelExecution: false,
};
