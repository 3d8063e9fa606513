import { applyPatch } from '../../../domain/memory-patch';
import type { MemoryBlock } from '../../../domain/ports';

const block = (label: string, value: string, facts: Partial<MemoryBlock> = {}): MemoryBlock => ({
  id: `block-${label}`,
  label,
  value,
  limit: 1000,
  readOnly: false,
  version: 1,
  ...facts,
});
const BLOCKS = [block('human', 'Name: Sam\nLikes: tea\nCity: Oslo'), block('notes', 'a\nb\na')];
const apply = (patch: string, label = 'human') => applyPatch(BLOCKS, label, patch);

it('a patch without headers changes places of the one block it is for', () => {
  const { changes, result } = apply(
    '@@\n Name: Sam\n-Likes: tea\n+Likes: coffee\n@@\n City: Oslo\n+Pet: cat\n',
  );

  expect(result).toBe('Name: Sam\nLikes: coffee\nCity: Oslo\nPet: cat');
  expect(changes).toEqual([{ kind: 'write', block: BLOCKS[0], value: result }]);
});

it('lines to add without lines around them go to the end', () => {
  expect(apply('+Pet: cat').result).toBe('Name: Sam\nLikes: tea\nCity: Oslo\nPet: cat');
});

it('a patch with headers adds, updates, renames and deletes blocks', () => {
  const patch = [
    '*** Begin Patch',
    '*** Add Block: plans',
    'Description: What is to be done.',
    '+first',
    '+second',
    '*** Update Block: human',
    '*** Move to: person',
    '@@',
    '-Likes: tea',
    '*** Delete Block: notes',
    '*** End Patch',
  ].join('\n');

  const { changes, result } = apply(patch, '');

  expect(changes).toEqual([
    { kind: 'create', label: 'plans', value: 'first\nsecond', description: 'What is to be done.' },
    { kind: 'rename', block: BLOCKS[0], label: 'person' },
    { kind: 'write', block: { ...BLOCKS[0], label: 'person' }, value: 'Name: Sam\nCity: Oslo' },
    { kind: 'detach', block: BLOCKS[1] },
  ]);
  expect(result).toContain('person:\nName: Sam\nCity: Oslo');
});

it.each([
  ['lines that are not there', '-Likes: milk\n+Likes: tea', 'human', /not found in block "human"/],
  ['lines that are there twice', '-a\n+c', 'notes', /occur 2 times in block "notes"/],
  ['a line without a sign', 'Likes: milk', 'human', /starts with neither/],
  ['nothing to change', ' Likes: tea', 'human', /it changes nothing/],
  ['a block that is not there', '+x', 'nope', /Block field nope does not exist/],
  ['a header that does not exist', '*** Replace Block: human', '', /no header that exists/],
  ['a block twice', '*** Delete Block: human\n*** Delete Block: human', '', /two sections/],
  ['a new block of a taken label', '*** Add Block: notes\n+x', '', /have a memory block "notes" already/],
  [
    'two new blocks of one label',
    '*** Add Block: x\n+x\n*** Update Block: human\n*** Move to: x',
    '',
    /"x" already/,
  ],
  ['an unsafe label', '*** Add Block: a<b\n+x', '', /cannot be the label/],
  ['a rename of nothing', '*** Move to: x', '', /must follow/],
])('a patch with %s is refused as a whole', (_what, patch, label, reason) => {
  expect(() => apply(patch, label)).toThrow(reason);
});

it('a block that tools may not write is refused, whatever the patch does to it', () => {
  const locked = [block('rules', 'x', { readOnly: true })];
  for (const patch of ['*** Delete Block: rules', '*** Update Block: rules\n*** Move to: laws'])
    expect(() => applyPatch(locked, '', patch)).toThrow(/read-only/);
});
