import type { BuiltinTool } from '../../../domain/tool';

export const runCodeTool: BuiltinTool = {
  name: 'run_code',
  toolType: 'letta_builtin',
  description:
    'Runs a piece of code in a sandbox without network and tells what it printed, the value of its last expression and its ' +
    'error, if any. Nothing is kept between calls.',
  parameters: {
    type: 'object',
    properties: {
      code: { type: 'string', description: 'The source code to run.' },
      language: {
        type: 'string',
        enum: ['python', 'js', 'ts', 'r', 'java'],
        description: 'Language of the code.',
      },
    },
    required: ['code', 'language'],
  },
  effects: 'once',
  enableParallelExecution: true,
};
