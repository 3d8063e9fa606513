import type { BuiltinTool } from '../../../domain/tool';

const text = (description: string) => ({ type: 'string', description });

export const memoryTool: BuiltinTool = {
  name: 'memory',
  toolType: 'letta_memory_core',
  description:
    'Manages your memory blocks. Each block is addressed like a file, /memories/<label>. Commands: create makes a block ' +
    '(path, file_text, description); str_replace changes the one occurrence of a passage (path, old_string, new_string); ' +
    'insert adds lines (path, insert_text, insert_line); delete takes a block out of your memory (path); rename gives a ' +
    'block another label (old_path, new_path), or another description (path, description). Edits return the whole block ' +
    'as it stands afterwards.',
  parameters: {
    type: 'object',
    properties: {
      command: {
        type: 'string',
        enum: ['create', 'str_replace', 'insert', 'delete', 'rename'],
        description: 'What to do.',
      },
      path: text('The block, as /memories/<label>. Every command but a rename to another label needs it.'),
      file_text: text('create: what the new block holds.'),
      description: text('create, rename: what the block is for.'),
      old_string: text('str_replace: the passage to change, exactly as it stands and without line numbers.'),
      new_string: text('str_replace: what takes its place.'),
      insert_line: {
        type: 'integer',
        description: 'insert: line after which the text goes; 0 is the beginning, -1 (the default) the end.',
      },
      insert_text: text('insert: the text to add, without line numbers.'),
      old_path: text('rename: the block as it is called now.'),
      new_path: text('rename: the block as it is to be called.'),
    },
    required: ['command'],
  },
  effects: 'transactional',
  enableParallelExecution: false,
};
