import { editableBlock, replaceInBlock } from '../../../domain/memory-edits';
import { textArgument, type MemoryHandler } from '../../handler';

/** Replaces the one occurrence of a passage. */
export const memoryReplace: MemoryHandler = (blocks, args) =>
  replaceInBlock(
    editableBlock(blocks, textArgument(args, 'label')),
    textArgument(args, 'old_string'),
    textArgument(args, 'new_string'),
  );
