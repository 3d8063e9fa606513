import { editableBlock, replaceAllInBlock } from '../../../domain/memory-edits';
import { textArgument, type MemoryHandler } from '../../handler';

/** Replaces every occurrence of a text. */
export const coreMemoryReplace: MemoryHandler = (blocks, args) =>
  replaceAllInBlock(
    editableBlock(blocks, textArgument(args, 'label')),
    textArgument(args, 'old_content'),
    textArgument(args, 'new_content'),
  );
