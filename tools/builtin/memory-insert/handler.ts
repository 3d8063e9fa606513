import { editableBlock, insertIntoBlock } from '../../../domain/memory-edits';
import { integerArgument, textArgument, type MemoryHandler } from '../../handler';

const ANY_LINE = { fallback: -1, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

/** Adds lines to a block; the edit itself says which lines exist. */
export const memoryInsert: MemoryHandler = (blocks, args) =>
  insertIntoBlock(
    editableBlock(blocks, textArgument(args, 'label')),
    textArgument(args, 'new_string'),
    integerArgument(args, 'insert_line', ANY_LINE),
  );
