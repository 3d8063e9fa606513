import type { BuiltinTool } from '../../../domain/tool';

export const runCodeTool: BuiltinTool = {
  name: 'run_code',
  toolType: 'letta_builtin',
  description:
    'Runs code in a sandbox. Not available in this version of the server: every call answers with an error, so work the ' +
    'result out in another way.',
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
