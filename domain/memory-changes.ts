import type { MemoryEdit } from './memory-edits';
import type { MemoryBlock } from './ports';

/** One change of an agent's memory. All changes of a call are stored together, or none. */
export type MemoryChange =
  | { readonly kind: 'write'; readonly block: MemoryBlock; readonly value: string }
  | {
      readonly kind: 'create';
      readonly label: string;
      readonly value: string;
      readonly description: string | null;
    }
  /** The agent loses the block; the block itself stays, for it may be shared and can be attached again. */
  | { readonly kind: 'detach'; readonly block: MemoryBlock }
  | { readonly kind: 'rename'; readonly block: MemoryBlock; readonly label: string }
  | { readonly kind: 'describe'; readonly block: MemoryBlock; readonly description: string };

/** What a memory tool wants stored, and what it then answers. */
export interface MemoryChanges {
  readonly changes: readonly MemoryChange[];
  readonly result: string;
}

/** An edit of one value, as the changes of a call: the model reads the whole new value. */
export const toChanges = (edit: MemoryEdit | MemoryChanges): MemoryChanges =>
  'changes' in edit
    ? edit
    : { changes: [{ kind: 'write', block: edit.block, value: edit.value }], result: edit.value };

/** What a call that waits for a human would change, and why it would fail if it would. */
export interface MemoryPreview {
  readonly changes: readonly MemoryChange[];
  readonly problem: string | null;
}
/** Decides a call of a memory tool on these blocks without writing; null for any other tool. */
export type PreviewMemory = (
  call: { readonly name: string; readonly arguments: string },
  blocks: readonly MemoryBlock[],
) => MemoryPreview | null;
