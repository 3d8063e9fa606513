import { applyPatch } from '../../../domain/memory-patch';
import { textArgument, type MemoryHandler } from '../../handler';

/** Applies a diff to one block, or to several at once. */
export const memoryApplyPatch: MemoryHandler = (blocks, args) =>
  applyPatch(blocks, textArgument(args, 'label'), textArgument(args, 'patch'));
