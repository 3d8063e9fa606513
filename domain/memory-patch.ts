import { checkFreeLabel, createBlock, dropBlock } from './memory-commands';
import type { MemoryChange, MemoryChanges } from './memory-changes';
import { editableBlock, editTo } from './memory-edits';
import type { MemoryBlock } from './ports';
import { toolError } from './tool-failure';

const HEADER = /^\*\*\* (Add Block|Delete Block|Update Block|Move to): *(.*?) *$/;
const FRAME = /^\*\*\* (Begin|End) Patch *$/;
const NOISE = /^(--- |\+\+\+ |\\ No newline)/;

/**
 * The changes that a patch stands for. Without `***` headers it is a diff of the block `label`; with them it adds,
 * updates, deletes and renames blocks. Every part is checked before anything is written.
 */
export function applyPatch(blocks: readonly MemoryBlock[], label: string, patch: string): MemoryChanges {
  const lines = patch.replaceAll('\r\n', '\n').replace(/\n+$/, '').split('\n');
  if (!lines.some((line) => line.startsWith('*** '))) {
    const { block, value } = patchBlock(editableBlock(blocks, label), lines);
    return { changes: [{ kind: 'write', block, value }], result: value };
  }
  const done: MemoryChanges[] = [];
  for (const section of sectionsOf(lines)) done.push(changesOf(section, labelsAfter(blocks, done), blocks));
  if (done.length === 0) throw unreadable('it has no section such as "*** Update Block: <label>"');
  return {
    changes: done.flatMap(({ changes }) => changes),
    result: done.map(({ result }) => result).join('\n'),
  };
}

interface Section {
  readonly action: string;
  readonly label: string;
  readonly moveTo: string | null;
  readonly body: readonly string[];
}

function sectionsOf(lines: readonly string[]): readonly Section[] {
  const sections: Section[] = [];
  for (const line of lines.filter((each) => !FRAME.test(each))) {
    const [, action, name = ''] = HEADER.exec(line) ?? [];
    const last = sections.at(-1);
    if (action === 'Move to') {
      if (last?.action !== 'Update Block') throw unreadable('"*** Move to:" must follow "*** Update Block:"');
      sections.splice(-1, 1, { ...last, moveTo: name });
    } else if (action !== undefined) {
      if (sections.some(({ label }) => label === name))
        throw unreadable(`it has two sections for block "${name}"`);
      sections.push({ action, label: name, moveTo: null, body: [] });
    } else if (line.startsWith('*** ')) {
      throw unreadable(`its line "${line.slice(0, 100)}" is no header that exists`);
    } else if (last) {
      sections.splice(-1, 1, { ...last, body: [...last.body, line] });
    } else if (line.trim() !== '') {
      throw unreadable('it has lines in front of its first header');
    }
  }
  return sections;
}

/** The blocks as the sections before leave them, as far as labels count. */
function labelsAfter(blocks: readonly MemoryBlock[], done: readonly MemoryChanges[]): readonly MemoryBlock[] {
  const taken = done
    .flatMap(({ changes }) => changes)
    .flatMap((change) => (change.kind === 'create' || change.kind === 'rename' ? [change.label] : []));
  const [like] = blocks;
  const placeholder = { id: '', value: '', limit: 0, readOnly: false, version: 0 };
  return [...blocks, ...taken.map((label) => ({ ...(like ?? placeholder), label }))];
}

function changesOf(
  { action, label, moveTo, body }: Section,
  taken: readonly MemoryBlock[],
  blocks: readonly MemoryBlock[],
): MemoryChanges {
  if (action === 'Delete Block') return dropBlock(blocks, label);
  if (action === 'Add Block') return addBlock(taken, label, body);
  const block = editableBlock(blocks, label);
  const isEdited = body.some((line) => line.trim() !== '');
  if (!isEdited && moveTo === null) throw unreadable(`its section for block "${label}" changes nothing`);
  const changes: MemoryChange[] = [];
  if (moveTo !== null) {
    checkFreeLabel(taken, moveTo);
    changes.push({ kind: 'rename', block, label: moveTo });
  }
  const named = moveTo === null ? block : { ...block, label: moveTo };
  if (isEdited) {
    const { value } = patchBlock(block, trimEnd(body));
    changes.push({ kind: 'write', block: named, value });
    return { changes, result: `${named.label}:\n${value}` };
  }
  return { changes, result: `Memory block "${label}" is called "${named.label}" now.` };
}

function addBlock(taken: readonly MemoryBlock[], label: string, body: readonly string[]): MemoryChanges {
  const lines = trimEnd(body);
  const description = /^Description: *(.*)$/.exec(lines[0] ?? '')?.[1] ?? null;
  const content = description === null ? lines : lines.slice(1);
  const wrong = content.find((line) => !line.startsWith('+'));
  if (wrong !== undefined) {
    throw unreadable(`line "${wrong.slice(0, 100)}" of the new block "${label}" does not start with "+"`);
  }
  return createBlock(taken, { label, description, value: content.map((line) => line.slice(1)).join('\n') });
}

/** Applies the hunks of a diff one after the other. */
function patchBlock(block: MemoryBlock, lines: readonly string[]) {
  const hunks: string[][] = [[]];
  for (const line of lines.filter((each) => !NOISE.test(each))) {
    if (line.startsWith('@@')) hunks.push([]);
    else hunks.at(-1)?.push(line);
  }
  const value = hunks
    .filter((hunk) => hunk.length > 0)
    .reduce((text, hunk) => applyHunk(block.label, text, hunk), block.value);
  if (value === block.value)
    throw unreadable('it changes nothing; lines to add start with "+", to remove with "-"');
  return editTo(block, value);
}

function applyHunk(label: string, value: string, hunk: readonly string[]): string {
  const wrong = hunk.find((line) => !/^(?:[ +-]|$)/.test(line));
  if (wrong !== undefined)
    throw unreadable(`line "${wrong.slice(0, 100)}" starts with neither " ", "+" nor "-"`);
  const before = hunk.filter((line) => !line.startsWith('+')).map((line) => line.slice(1));
  const after = hunk.filter((line) => !line.startsWith('-')).map((line) => line.slice(1));
  const lines = value === '' ? [] : value.split('\n');
  if (before.length === 0) return [...lines, ...after].join('\n');
  const at = placesOf(lines, before);
  if (at.length === 1) {
    const [start = 0] = at;
    return [...lines.slice(0, start), ...after, ...lines.slice(start + before.length)].join('\n');
  }
  const shown = before.join('\n').slice(0, 200);
  throw toolError(
    'ValueError',
    at.length === 0
      ? `The lines to change were not found in block "${label}". They must match exactly:\n${shown}\nNothing was changed.`
      : `The lines to change occur ${at.length} times in block "${label}". Add unchanged lines around them. Nothing was changed.`,
  );
}

const placesOf = (lines: readonly string[], wanted: readonly string[]): readonly number[] =>
  lines.flatMap((_, start) => (wanted.every((line, index) => lines[start + index] === line) ? [start] : []));

const trimEnd = (lines: readonly string[]): readonly string[] =>
  lines.slice(0, lines.findLastIndex((line) => line.trim() !== '') + 1);

const unreadable = (why: string) =>
  toolError('ValueError', `The patch cannot be applied: ${why}. Nothing was changed.`);
