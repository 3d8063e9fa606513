import { DEFAULT_BLOCK_LIMIT, MAX_LABEL_LENGTH, UNSAFE_IN_LABEL } from './block';
import type { MemoryChanges } from './memory-changes';
import { editableBlock } from './memory-edits';
import type { MemoryBlock } from './ports';
import { toolError } from './tool-failure';

// Changes of which blocks there are. Each is checked whole before anything is written.

/** The label that a path of the `memory` tool names: `/memories/plans/today` is the block `plans_today`. */
export const labelOfPath = (path: string): string =>
  path
    .trim()
    .replace(/^\/memories\//, '')
    .replace(/^\/+|\/+$/g, '')
    .replaceAll('/', '_');

/** A block of its own for `value`. */
export function createBlock(
  blocks: readonly MemoryBlock[],
  { label, value, description }: { label: string; value: string; description: string | null },
): MemoryChanges {
  checkFreeLabel(blocks, label);
  if (Array.from(value).length > DEFAULT_BLOCK_LIMIT) {
    throw toolError(
      'ValueError',
      `Block "${label}" would hold more than ${DEFAULT_BLOCK_LIMIT} characters. Nothing was changed. Shorten the text.`,
    );
  }
  return {
    changes: [{ kind: 'create', label, value, description }],
    result: `Memory block "${label}" was created.`,
  };
}

/** Takes a block out of the agent's memory. */
export function dropBlock(blocks: readonly MemoryBlock[], label: string): MemoryChanges {
  const block = editableBlock(blocks, label);
  return {
    changes: [{ kind: 'detach', block }],
    result: `Memory block "${label}" is no longer part of your memory.`,
  };
}

/** Gives a block another label; its value stays. */
export function renameBlock(blocks: readonly MemoryBlock[], from: string, to: string): MemoryChanges {
  const block = editableBlock(blocks, from);
  checkFreeLabel(blocks, to);
  return {
    changes: [{ kind: 'rename', block, label: to }],
    result: `Memory block "${from}" is called "${to}" now.`,
  };
}

/** Says anew what a block is for. */
export function describeBlock(
  blocks: readonly MemoryBlock[],
  label: string,
  description: string,
): MemoryChanges {
  const block = editableBlock(blocks, label);
  return {
    changes: [{ kind: 'describe', block, description }],
    result: `The description of memory block "${label}" was changed.`,
  };
}

/** Refuses a label that cannot name an element of the prompt, or that another block of the agent has. */
export function checkFreeLabel(blocks: readonly MemoryBlock[], label: string): void {
  if (label === '' || label.length > MAX_LABEL_LENGTH || UNSAFE_IN_LABEL.test(label)) {
    throw toolError(
      'ValueError',
      `"${label.slice(0, 100)}" cannot be the label of a memory block. Use 1 to ${MAX_LABEL_LENGTH} characters ` +
        'without control characters, < and >.',
    );
  }
  if (!blocks.some((block) => block.label === label)) return;
  throw toolError(
    'ValueError',
    `You have a memory block "${label}" already. Edit that one, or choose another label.`,
  );
}
