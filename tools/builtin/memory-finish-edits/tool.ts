import type { BuiltinTool } from '../../../domain/tool';

export const memoryFinishEditsTool: BuiltinTool = {
  name: 'memory_finish_edits',
  toolType: 'letta_sleeptime_core',
  description: 'Says that your memory holds everything it should, and ends your work on it for now.',
  parameters: { type: 'object', properties: {}, required: [] },
  effects: 'read',
  enableParallelExecution: false,
};
