import { appendToBlock, editableBlock } from '../../../domain/memory-edits';
import { textArgument, type MemoryHandler } from '../../handler';

/** Adds a line at the end of a block. */
export const coreMemoryAppend: MemoryHandler = (blocks, args) =>
  appendToBlock(editableBlock(blocks, textArgument(args, 'label')), textArgument(args, 'content'));
