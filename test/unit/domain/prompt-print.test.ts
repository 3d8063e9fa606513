import { prefixShare, toMarks, type PromptPrint } from '../../../domain/prompt-print';

/** A prompt whose messages have these bytes each; a letter stands for what they are, and for all before them. */
function print(messages: string, { head = 1, size = 10, headBytes = 100 } = {}): PromptPrint {
  let sum = 0;
  const checksums = messages.split('').map((letter) => (sum = sum * 31 + letter.charCodeAt(0)));
  return { head: [headBytes, head], ends: checksums.map((_sum, at) => (at + 1) * size), checksums };
}

it('a prompt that goes on from another one has all of its bytes', () => {
  expect(prefixShare(toMarks(print('abc')), print('abcde'))).toBe(130 / 150);
});

it('the same prompt again has all of its own', () => {
  expect(prefixShare(toMarks(print('abc')), print('abc'))).toBe(1);
});

it('nothing is said of the first prompt', () => {
  expect(prefixShare(null, print('abc'))).toBeNull();
});

it('a prompt with other tools has nothing in common', () => {
  expect(prefixShare(toMarks(print('abc')), print('abcde', { head: 2 }))).toBe(0);
});

it('a prompt that lost its end has what is left, up to the last mark in it', () => {
  // Marks lie at the last message, the second, the fourth and the eighth from the end.
  expect(prefixShare(toMarks(print('abcdefgh')), print('abcdefgx'))).toBe(170 / 180);
  expect(prefixShare(toMarks(print('abcdefgh')), print('abcdexyz'))).toBe(150 / 180);
  expect(prefixShare(toMarks(print('abcdefgh')), print('abcdefg'))).toBe(1);
});

it('a prompt with another system message has its tools in common', () => {
  expect(prefixShare(toMarks(print('abcdefgh')), print('xbcdefgh'))).toBe(100 / 180);
});

it('a message of another length is none of those before', () => {
  expect(prefixShare(toMarks(print('abc')), print('abcd', { size: 7 }))).toBe(100 / 128);
});

it('a message that is not sent ends where the one before it does', () => {
  const { head, ends, checksums } = print('abc');
  const silent = { head, ends: [...ends, ends[2]!], checksums: [...checksums, checksums[2]!] };

  expect(prefixShare(toMarks(silent), print('abcd'))).toBe(130 / 140);
  expect(prefixShare(toMarks(print('abc')), silent)).toBe(1);
});

it('marks of ten thousand messages are few', () => {
  expect(toMarks(print('a'.repeat(10_000))).messages).toHaveLength(14);
});
