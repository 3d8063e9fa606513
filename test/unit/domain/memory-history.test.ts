import fc from 'fast-check';
import { blame, diffOf, passageWithoutWrite, withoutWrite } from '../../../domain/memory-history';

const version = (number: number, value: string) => ({ number, value });
const blamed = (...values: readonly string[]) =>
  blame(values.map((value, index) => version(index + 1, value))).map(({ text, version: { number } }) => [
    text,
    number,
  ]);

it('each line is blamed on the version since which it has been there', () => {
  expect(blamed('a\nb', 'a\nx\nb', 'x\nb\nc')).toEqual([
    ['x', 2],
    ['b', 1],
    ['c', 3],
  ]);
  expect(blamed('a', '', 'a')).toEqual([['a', 3]]);
});

it('blame names the lines of the last version in order, whatever was written before', () => {
  const value = fc.array(fc.constantFrom('a', 'b', 'c', '')).map((lines) => lines.join('\n'));
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), (values) => {
      const last = values.at(-1) ?? '';
      expect(blamed(...values).map(([text]) => text)).toEqual(last === '' ? [] : last.split('\n'));
    }),
  );
});

it('a diff shows what was taken out and put in with a line around it', () => {
  expect(diffOf('a\nb\nc\nd', 'a\nb\nx\nd')).toBe('@@ -2,3 +2,3 @@\n b\n-c\n+x\n d');
  expect(diffOf('start', 'start\nlikes tea')).toBe('@@ -1,1 +1,2 @@\n start\n+likes tea');
  expect(diffOf('', 'likes tea')).toBe('@@ -0,0 +1,1 @@\n+likes tea');
  expect(diffOf('same', 'same')).toBe('');
});

it('a write is taken back while later writes to other lines stay', () => {
  const write = { before: 'start', after: 'start\nlikes tea' };
  expect(withoutWrite('start\nlikes tea', write)).toBe('start');
  expect(withoutWrite('start\nlikes tea\nlikes chess', write)).toBe('start\nlikes chess');
  expect(
    withoutWrite('name: Ada\nlikes tea', { before: 'name: ?\nlikes tea', after: 'name: Ada\nlikes tea' }),
  ).toBe('name: ?\nlikes tea');
});

it('a write is not taken back where later writes changed its lines', () => {
  const write = { before: 'start', after: 'start\nlikes tea' };
  expect(withoutWrite('start\nlikes green tea', write)).toBeNull();
  expect(withoutWrite('', write)).toBeNull();
});

it('a write of a passage is taken back: what it stored goes, what it deleted comes back, what others changed stays', () => {
  const passage = (text: string, tags: readonly string[] = []) => ({ text, tags, metadata: {} });
  const stored = { before: null, after: passage('tea') };
  const changed = { before: passage('tea\nmilk'), after: passage('tea\nlemon') };
  const deleted = { before: passage('tea'), after: null };

  expect(passageWithoutWrite(passage('tea'), stored)).toBeNull();
  expect(passageWithoutWrite(null, stored)).toBeNull();
  expect(passageWithoutWrite(passage('coffee'), stored)).toBe('overwritten');
  expect(passageWithoutWrite(null, deleted)).toEqual(passage('tea'));
  expect(passageWithoutWrite(passage('coffee'), deleted)).toEqual(passage('coffee'));
  expect(passageWithoutWrite(passage('tea\nlemon', ['drink']), changed)).toEqual(
    passage('tea\nmilk', ['drink']),
  );
  expect(passageWithoutWrite(passage('tea\nsugar'), changed)).toBe('overwritten');
  expect(passageWithoutWrite(null, changed)).toBeNull();
  const tagged = { before: passage('tea'), after: passage('tea', ['drink']) };
  expect(passageWithoutWrite(passage('tea', ['hot']), tagged)).toBe('overwritten');
});
