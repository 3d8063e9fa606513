import type { BuiltinTool } from '../../../domain/tool';

export const grepFilesTool: BuiltinTool = {
  name: 'grep_files',
  toolType: 'letta_files_core',
  description:
    'Finds the lines of the files in your folders that match a pattern, in any case, with the lines around them and their ' +
    'numbers, twenty matches at a time. Use it for names, terms and phrases that you know; then open the file there.',
  parameters: {
    type: 'object',
    properties: {
      pattern: { type: 'string', description: 'A word, a phrase or a regular expression, for one line.' },
      include: {
        type: 'string',
        description:
          'Only files whose path holds this text, or fits it where it holds stars, for example *.md.',
      },
      context_lines: {
        type: 'integer',
        description: 'How many lines to show before and behind each match, 0 to 20. Defaults to 1.',
      },
      offset: { type: 'integer', description: 'How many matches to leave out, to see those that follow.' },
    },
    required: ['pattern'],
  },
  effects: 'read',
  enableParallelExecution: true,
};
