import { linesOf, toPassages } from '../../../domain/file-text';
import { decodeText, textTypeOf } from '../../../domain/file-type';

describe('lines of a text', () => {
  it('are what stands between line breaks, of which the last begins none', () => {
    expect(linesOf('')).toEqual([]);
    expect(linesOf('a\r\n\r\nb\n')).toEqual(['a', '', 'b']);
  });
});

describe('passages of a text', () => {
  it('are whole lines, with their numbers, and nothing is left out', () => {
    const lines = Array.from({ length: 500 }, (_, n) => `line ${n + 1} has some words in it`);

    const passages = toPassages(lines.join('\n'));

    expect(passages.map(({ text }) => text).join('\n')).toBe(lines.join('\n'));
    expect(passages.length).toBeGreaterThan(10);
    for (const { firstLine, lastLine, text } of passages) {
      expect(text.length).toBeLessThanOrEqual(1_200);
      expect(text.split('\n')).toEqual(lines.slice(firstLine - 1, lastLine));
    }
  });

  it('end at an empty line where one is near', () => {
    const paragraph = Array.from({ length: 9 }, () => 'x'.repeat(99)).join('\n');

    const [first, second] = toPassages(`${paragraph}\n\n${paragraph}`);

    expect(first).toMatchObject({ firstLine: 1, lastLine: 10 });
    expect(second).toMatchObject({ firstLine: 11, lastLine: 19 });
  });

  it('cut a line that is longer than a passage, but no character', () => {
    const passages = toPassages(`x${'😀'.repeat(1_500)}`);

    expect(passages.map(({ text }) => text).join('')).toBe(`x${'😀'.repeat(1_500)}`);
    expect(() => passages.map(({ text }) => encodeURIComponent(text))).not.toThrow();
  });

  it('without a word are left out', () => {
    expect(toPassages('')).toEqual([]);
    expect(toPassages('\n \n\t\n')).toEqual([]);
  });
});

describe('the type of a file', () => {
  it('is that of its name, else the one that the client says', () => {
    expect(textTypeOf('a.PY', 'application/octet-stream')).toBe('text/x-python');
    expect(textTypeOf('README', 'text/plain; charset=utf-8')).toBe('text/plain');
    expect(textTypeOf('a.unknown', 'application/json')).toBe('application/json');
    expect(() => textTypeOf('a.bin', 'application/octet-stream')).toThrow(/Unsupported file type/);
    expect(() => textTypeOf('Makefile', '')).toThrow(/unknown \(filename: Makefile\)/);
  });
});

describe('the text of a file', () => {
  it('is UTF-8 without its mark, or UTF-16 with it', () => {
    expect(decodeText('a', new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))).toBe('a');
    expect(decodeText('a', new Uint8Array([0xfe, 0xff, 0x00, 0x61]))).toBe('a');
    expect(() => decodeText('a.txt', new Uint8Array([0xff]))).toThrow(/a\.txt is not text/);
  });
});
