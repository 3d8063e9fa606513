import fc from 'fast-check';
import {
  appendToBlock,
  editableBlock,
  insertIntoBlock,
  LINE_NUMBER_WARNING,
  replaceAllInBlock,
  replaceInBlock,
  rethinkBlock,
} from '../../../domain/memory-edits';
import type { MemoryBlock } from '../../../domain/ports';

const blockOf = (value: string, facts: Partial<MemoryBlock> = {}): MemoryBlock => ({
  id: 'block-1',
  label: 'human',
  value,
  limit: 1000,
  readOnly: false,
  version: 1,
  ...facts,
});

describe('finding the block', () => {
  it('finds a block by its label', () => {
    const human = blockOf('h');

    expect(editableBlock([blockOf('p', { label: 'persona' }), human], 'human')).toBe(human);
  });

  it('names the sections in the order of attachment when the label is unknown', () => {
    const blocks = [blockOf('', { label: 'persona' }), blockOf('')];

    expect(() => editableBlock(blocks, 'nope')).toThrow(
      "'Block field nope does not exist (available sections = persona, human)'",
    );
  });

  it('refuses a read-only block', () => {
    expect(() => editableBlock([blockOf('', { readOnly: true })], 'human')).toThrow(
      'Error This block is read-only and cannot be edited.',
    );
  });
});

describe('memory_insert', () => {
  it.each([
    ['h', -1, 'h\nx'],
    ['a\nb', 0, 'x\na\nb'],
    ['a\nb', 1, 'a\nx\nb'],
    ['a\nb', 2, 'a\nb\nx'],
    ['', -1, 'x'],
    ['', 0, 'x'],
  ])('turns %p with insert_line %p into %p', (value, line, expected) => {
    expect(insertIntoBlock(blockOf(value), 'x', line).value).toBe(expected);
  });

  it.each([-2, 3, 1.5])(
    'refuses insert_line %p in a block of two lines and says which lines there are',
    (line) => {
      expect(() => insertIntoBlock(blockOf('a\nb'), 'x', line)).toThrow(
        /outside block "human", which has 2 line\(s\)/,
      );
    },
  );

  it('keeps every line that was there, in order', () => {
    const lineText = fc.string().filter((text) => !/[\n\r\t]|^\s*\d+→/.test(text));
    fc.assert(
      fc.property(fc.array(lineText, { minLength: 1 }), lineText, fc.nat(), (lines, text, seed) => {
        const value = lines.join('\n');
        fc.pre(value !== '');
        const at = seed % (lines.length + 1);

        const after = insertIntoBlock(blockOf(value, { limit: 1e6 }), text, at).value.split('\n');

        expect(after).toEqual([...lines.slice(0, at), text, ...lines.slice(at)]);
      }),
    );
  });
});

describe('memory_replace', () => {
  it('replaces the one occurrence and takes the replacement literally', () => {
    expect(replaceInBlock(blockOf('likes tea and rain'), 'tea', '$& $1 coffee').value).toBe(
      'likes $& $1 coffee and rain',
    );
  });

  it('deletes a passage when the replacement is empty', () => {
    expect(replaceInBlock(blockOf('a, b'), ', b', '').value).toBe('a');
  });

  it('says that a passage does not occur', () => {
    expect(() => replaceInBlock(blockOf('abc'), 'x', 'y')).toThrow(/was not found in block "human"/);
  });

  it('says how often and on which lines an ambiguous passage occurs', () => {
    expect(() => replaceInBlock(blockOf('tea\nmilk\ntea tea'), 'tea', 'x')).toThrow(
      /occurs 3 times in block "human" \(on lines 1, 3\)/,
    );
  });

  it('counts the lines inside a passage of several lines', () => {
    expect(() => replaceInBlock(blockOf('a\nb\n-\na\nb\n-\na\nb'), 'a\nb', 'x')).toThrow(/on lines 1, 4, 7/);
  });

  it('fills an empty block when the passage is empty too, and refuses an empty passage otherwise', () => {
    expect(replaceInBlock(blockOf(''), '', 'first').value).toBe('first');
    expect(() => replaceInBlock(blockOf('abc'), '', 'x')).toThrow(/old_string is empty/);
  });

  it('compares and stores tabs as spaces', () => {
    expect(replaceInBlock(blockOf('a\tb'), 'a       b', 'c').value).toBe('c');
    expect(replaceInBlock(blockOf('key\tvalue\nrest'), 'rest', 'x\ty').value).toBe(
      'key     value\nx       y',
    );
  });

  it('finds a passage that starts with a tab in the middle of a line', () => {
    expect(replaceInBlock(blockOf('a\tb'), '\tb', '!').value).toBe('a!');
  });

  it.each(['1→ likes tea', '  12→ likes tea', 'intro\n3→ likes tea'])(
    'refuses line numbers in %p',
    (text) => {
      expect(() => replaceInBlock(blockOf('likes tea'), text, 'x')).toThrow(
        /old_string contains a line number prefix/,
      );
      expect(() => replaceInBlock(blockOf('likes tea'), 'tea', text)).toThrow(
        /new_string contains a line number prefix/,
      );
      expect(() => insertIntoBlock(blockOf(''), text, -1)).toThrow(
        /new_string contains a line number prefix/,
      );
      expect(() => rethinkBlock(blockOf(''), text)).toThrow(/new_memory contains a line number prefix/);
    },
  );

  it('allows an arrow after a number inside a line', () => {
    expect(replaceInBlock(blockOf('a'), 'a', 'from 1→ to 2').value).toBe('from 1→ to 2');
  });

  it('refuses the line number warning', () => {
    expect(() => replaceInBlock(blockOf('a'), LINE_NUMBER_WARNING, 'x')).toThrow(/line number warning/);
  });
});

describe('the other edits', () => {
  it('replaces the whole value with memory_rethink', () => {
    expect(rethinkBlock(blockOf('old'), 'new\tvalue').value).toBe('new\tvalue');
  });

  it('appends a line with core_memory_append', () => {
    expect(appendToBlock(blockOf('a'), 'b').value).toBe('a\nb');
    expect(appendToBlock(blockOf(''), 'b').value).toBe('b');
  });

  it('replaces every occurrence with core_memory_replace, literally', () => {
    expect(replaceAllInBlock(blockOf('a-a'), 'a', '$&').value).toBe('$&-$&');
    expect(() => replaceAllInBlock(blockOf('a'), 'x', 'y')).toThrow("old_content 'x' was not found");
    expect(() => replaceAllInBlock(blockOf('a'), '', 'y')).toThrow("old_content '' was not found");
  });
});

describe('the limit', () => {
  it('refuses an edit that makes the block too long, and counts characters', () => {
    const full = blockOf('🐱🐱🐱🐱', { limit: 5 });

    expect(appendToBlock(full, '').value).toBe('🐱🐱🐱🐱\n');
    expect(() => appendToBlock(full, 'x')).toThrow(/would hold 6 characters and its limit is 5/);
    expect(() => rethinkBlock(full, '123456')).toThrow(/would hold 6 characters/);
  });

  it('lets a block that is already too long become shorter', () => {
    expect(replaceInBlock(blockOf('123456789', { limit: 5 }), '9', '').value).toBe('12345678');
  });
});
