import { withWrite } from './memory-history';
import type { MemoryBlock } from './ports';
import { toPythonRepr } from './python-repr';
import { toolError } from './tool-failure';

/** What a memory tool wants stored: the whole new value of one block. Nothing is written before that. */
export interface MemoryEdit {
  readonly block: MemoryBlock;
  readonly value: string;
}

/** What a prompt says above a block whose lines it numbers. A model that copies it into an edit made a mistake. */
export const LINE_NUMBER_WARNING =
  'The numbers and arrows at the start of the lines are for orientation only. They are not part of the text: leave them out of memory edits.';

const LINE_NUMBER_PREFIX = /^\s*\d+→/m;
const TAB_STOP = 8;

/** The block with this label, if tools may write it. The error texts are Letta's. */
export function editableBlock(blocks: readonly MemoryBlock[], label: string): MemoryBlock {
  const block = blocks.find((candidate) => candidate.label === label);
  if (!block) {
    const sections = blocks.map((candidate) => candidate.label).join(', ');
    // Letta raises a KeyError, whose text is the repr of its message: the quotes belong to it.
    const text = `Block field ${label} does not exist (available sections = ${sections})`;
    throw toolError('KeyError', toPythonRepr(text));
  }
  if (block.readOnly) throw toolError('ValueError', 'Error This block is read-only and cannot be edited.');
  return block;
}

/** Puts `text` on lines of its own after line `afterLine`: 0 is the beginning, -1 the end. */
export function insertIntoBlock(block: MemoryBlock, text: string, afterLine: number): MemoryEdit {
  rejectDisplayMarks('new_string', text);
  const lines = block.value === '' ? [] : expandTabs(block.value).split('\n');
  if (!Number.isInteger(afterLine) || afterLine < -1 || afterLine > lines.length) {
    throw toolError(
      'ValueError',
      `insert_line ${afterLine} is outside block "${block.label}", which has ${lines.length} line(s). ` +
        `Use 0 for the beginning, 1 to ${lines.length} for "after this line", or -1 for the end.`,
    );
  }
  const at = afterLine === -1 ? lines.length : afterLine;
  return editTo(block, [...lines.slice(0, at), expandTabs(text), ...lines.slice(at)].join('\n'));
}

/**
 * Replaces the one occurrence of `find`. Zero or many occurrences are the model's mistake, so it learns which. Tabs are
 * compared and stored as spaces.
 */
export function replaceInBlock(block: MemoryBlock, find: string, replacement: string): MemoryEdit {
  rejectDisplayMarks('old_string', find);
  rejectDisplayMarks('new_string', replacement);
  if (find === '' && block.value !== '') {
    throw toolError(
      'ValueError',
      'old_string is empty. Give the exact text to replace, or use memory_insert to add text.',
    );
  }
  // A tab inside a line expands to fewer spaces than the same tab at its start, so the exact text is tried first.
  const exact = countOf(block.value, find) === 1;
  const value = exact ? block.value : expandTabs(block.value);
  const wanted = exact ? find : expandTabs(find);
  const at = onlyPosition(block.label, value, wanted);
  return editTo(block, expandTabs(value.slice(0, at) + replacement + value.slice(at + wanted.length)));
}

/** Replaces the whole value. */
export function rethinkBlock(block: MemoryBlock, newMemory: string): MemoryEdit {
  rejectDisplayMarks('new_memory', newMemory);
  return editTo(block, newMemory);
}

/** Adds `content` as the last line. */
export function appendToBlock(block: MemoryBlock, content: string): MemoryEdit {
  return editTo(block, block.value === '' ? content : `${block.value}\n${content}`);
}

/** Replaces every occurrence of `oldContent`; the older relative of `replaceInBlock` that memgpt agents use. */
export function replaceAllInBlock(block: MemoryBlock, oldContent: string, newContent: string): MemoryEdit {
  if (oldContent === '' || !block.value.includes(oldContent)) {
    const shown = oldContent.length > 200 ? `${oldContent.slice(0, 200)}…` : oldContent;
    throw toolError(
      'ValueError',
      `old_content ${toPythonRepr(shown)} was not found in block "${block.label}". Copy the text exactly as it stands in the block.`,
    );
  }
  return editTo(
    block,
    block.value.replaceAll(oldContent, () => newContent),
  );
}

/** The edit to a value worked out elsewhere. A block may be over its limit already: shortening it stays possible. */
export function editTo(block: MemoryBlock, value: string): MemoryEdit {
  const size = characterCount(value);
  if (size > block.limit && size > characterCount(block.value)) {
    throw toolError(
      'ValueError',
      `Block "${block.label}" would hold ${size} characters and its limit is ${block.limit}. ` +
        'Nothing was changed. Shorten the text or remove something from the block first.',
    );
  }
  return { block, value };
}

/**
 * An edit that was decided on an earlier version of a block, on top of what the block holds: what others changed on other
 * lines stays. A tool error where they changed the same ones.
 */
export function rebaseEdit({ block: before, value: after }: MemoryEdit, block: MemoryBlock): MemoryEdit {
  if (before.version === block.version) return { block, value: after };
  const value = withWrite(block.value, { before: before.value, after });
  if (value !== null) return editTo(block, value);
  throw toolError(
    'ValueError',
    `Block "${block.label}" was changed on the same lines since this edit was proposed (at version ${before.version}, it ` +
      `has version ${block.version}). Nothing was changed. Read the block as it is and propose the edit again.`,
  );
}

function rejectDisplayMarks(argument: string, text: string): void {
  if (LINE_NUMBER_PREFIX.test(text)) {
    throw toolError(
      'ValueError',
      `${argument} contains a line number prefix such as "1→". Line numbers are only shown for orientation: ` +
        'repeat the call without them.',
    );
  }
  if (text.includes(LINE_NUMBER_WARNING)) {
    throw toolError(
      'ValueError',
      `${argument} contains the line number warning, which is not part of the memory. Repeat the call without it.`,
    );
  }
}

function onlyPosition(label: string, value: string, wanted: string): number {
  const count = countOf(value, wanted);
  if (count === 1) return value.indexOf(wanted);
  if (count === 0) {
    throw toolError(
      'ValueError',
      `old_string was not found in block "${label}". It must match the text exactly, with its whitespace. Nothing was changed.`,
    );
  }
  throw toolError(
    'ValueError',
    `old_string occurs ${count} times in block "${label}" (on lines ${linesOf(value, wanted).join(', ')}). ` +
      'Add surrounding text so that it occurs once. Nothing was changed.',
  );
}

function countOf(value: string, wanted: string): number {
  return wanted === '' ? Number(value === '') : value.split(wanted).length - 1;
}

function linesOf(value: string, wanted: string): readonly number[] {
  const before = value.split(wanted).slice(0, -1);
  const lines: number[] = [];
  let line = 1;
  for (const [index, piece] of before.entries()) {
    line += piece.split('\n').length - 1 + (index === 0 ? 0 : wanted.split('\n').length - 1);
    if (lines.at(-1) !== line) lines.push(line);
  }
  return lines;
}

/** Tabs become spaces up to the next multiple of eight columns, as Python's `expandtabs()` does. */
function expandTabs(text: string): string {
  if (!text.includes('\t')) return text;
  return text
    .split('\n')
    .map((line) => {
      let out = '';
      let column = 0;
      for (const character of line) {
        const width = character === '\t' ? TAB_STOP - (column % TAB_STOP) : 1;
        out += character === '\t' ? ' '.repeat(width) : character;
        column = character === '\r' ? 0 : column + width;
      }
      return out;
    })
    .join('\n');
}

// Letta counts characters, not UTF-16 units.
const characterCount = (text: string): number => Array.from(text).length;
