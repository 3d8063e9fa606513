import {
  createBlock,
  describeBlock,
  dropBlock,
  labelOfPath,
  renameBlock,
} from '../../../domain/memory-commands';
import { editableBlock, insertIntoBlock, replaceInBlock } from '../../../domain/memory-edits';
import { toolError } from '../../../domain/tool-failure';
import type { ToolArguments } from '../../../domain/tool-arguments';
import { integerArgument, optionalText, type MemoryHandler } from '../../handler';

const ANY_LINE = { fallback: -1, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

/** One command on the agent's memory blocks; which arguments it needs depends on the command. */
export const memory: MemoryHandler = (blocks, args) => {
  const command = args['command'];
  switch (command) {
    case 'create':
      return createBlock(blocks, {
        label: labelAt(args, 'path', command),
        value: textAt(args, 'file_text', command),
        description: optionalText(args, 'description'),
      });
    case 'str_replace':
      return replaceInBlock(
        editableBlock(blocks, labelAt(args, 'path', command)),
        textAt(args, 'old_string', command),
        textAt(args, 'new_string', command),
      );
    case 'insert':
      return insertIntoBlock(
        editableBlock(blocks, labelAt(args, 'path', command)),
        textAt(args, 'insert_text', command),
        integerArgument(args, 'insert_line', ANY_LINE),
      );
    case 'delete':
      return dropBlock(blocks, labelAt(args, 'path', command));
    default:
      return rename(blocks, args);
  }
};

const rename: MemoryHandler = (blocks, args) => {
  const description = optionalText(args, 'description');
  if (args['path'] !== undefined && description !== null)
    return describeBlock(blocks, labelAt(args, 'path', 'rename'), description);
  return renameBlock(blocks, labelAt(args, 'old_path', 'rename'), labelAt(args, 'new_path', 'rename'));
};

const labelAt = (args: ToolArguments, name: string, command: string): string =>
  labelOfPath(textAt(args, name, command));

function textAt(args: ToolArguments, name: string, command: string): string {
  const value = args[name];
  if (typeof value === 'string') return value;
  throw toolError('ValueError', `The command '${command}' needs '${name}'. Repeat the call with it.`);
}
