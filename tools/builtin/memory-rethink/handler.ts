import { editableBlock, rethinkBlock } from '../../../domain/memory-edits';
import { textArgument, type MemoryHandler } from '../../handler';

/** Replaces the whole value of a block. */
export const memoryRethink: MemoryHandler = (blocks, args) =>
  rethinkBlock(editableBlock(blocks, textArgument(args, 'label')), textArgument(args, 'new_memory'));
