import { memory } from '../../../tools/builtin/memory/handler';
import type { MemoryBlock } from '../../../domain/ports';

const HUMAN: MemoryBlock = {
  id: 'block-1',
  label: 'human',
  value: 'one\ntwo',
  limit: 1000,
  readOnly: false,
  version: 3,
};
const run = (args: Readonly<Record<string, unknown>>) => memory([HUMAN], args);

it('creates a block under the label that the path names', () => {
  expect(
    run({ command: 'create', path: '/memories/plans/today', file_text: 'x', description: 'd' }),
  ).toMatchObject({
    changes: [{ kind: 'create', label: 'plans_today', value: 'x', description: 'd' }],
  });
});

it.each([
  [{ command: 'str_replace', path: '/memories/human', old_string: 'two', new_string: '2' }, 'one\n2'],
  [{ command: 'insert', path: 'human', insert_line: 1, insert_text: 'new' }, 'one\nnew\ntwo'],
  [{ command: 'insert', path: 'human', insert_text: 'new' }, 'one\ntwo\nnew'],
])('edits the block that the path names: %j', (args, value) => {
  expect(run(args)).toEqual({ block: HUMAN, value });
});

it('takes a block out, renames it, and says anew what it is for', () => {
  expect(run({ command: 'delete', path: '/memories/human' })).toMatchObject({
    changes: [{ kind: 'detach', block: HUMAN }],
  });
  expect(run({ command: 'rename', old_path: '/memories/human', new_path: '/memories/person' })).toMatchObject(
    {
      changes: [{ kind: 'rename', block: HUMAN, label: 'person' }],
    },
  );
  expect(run({ command: 'rename', path: 'human', description: 'About you.' })).toMatchObject({
    changes: [{ kind: 'describe', block: HUMAN, description: 'About you.' }],
  });
});

it.each([
  [{ command: 'create', path: '/memories/human', file_text: '' }, /have a memory block "human" already/],
  [{ command: 'create', path: '/memories/', file_text: '' }, /cannot be the label/],
  [{ command: 'create', path: 'x' }, /'create' needs 'file_text'/],
  [{ command: 'insert', insert_text: 'x' }, /'insert' needs 'path'/],
  [{ command: 'rename', path: 'human' }, /'rename' needs 'old_path'/],
  [{ command: 'delete', path: 'nope' }, /Block field nope does not exist/],
  [{ command: 'rename', old_path: 'human', new_path: 'human' }, /already/],
])('says what is missing or wrong: %j', (args, reason) => {
  expect(() => run(args)).toThrow(reason);
});
