// About 300 tokens: what one vector can stand for, and what a model reads of a hit.
const MOST_CHARACTERS = 1_200;

/** Neighbouring lines of a text, counted from 1. */
export interface TextPassage {
  readonly firstLine: number;
  readonly lastLine: number;
  readonly text: string;
}

/** The lines of a text. A line break at the end begins no further line. */
export function linesOf(text: string): readonly string[] {
  if (text === '') return [];
  return text.replace(/\r?\n$/, '').split(/\r?\n/);
}

/**
 * A text cut into passages of whole lines, at an empty line where one is near the end. A line that is longer than a passage
 * is cut by itself. Passages without a word are left out.
 */
export function toPassages(text: string): readonly TextPassage[] {
  const lines = linesOf(text);
  const passages: TextPassage[] = [];
  for (let at = 0; at < lines.length;) {
    const end = endOfPassage(lines, at);
    const passage = lines.slice(at, end).join('\n');
    for (const piece of pieces(passage)) {
      if (piece.trim() !== '') passages.push({ firstLine: at + 1, lastLine: end, text: piece });
    }
    at = end;
  }
  return passages;
}

/** Behind the last line that still fits, or behind an empty one in the second half of what fits. */
function endOfPassage(lines: readonly string[], start: number): number {
  let length = 0;
  let blank = start;
  let end = start;
  for (; end < lines.length; end++) {
    const line = lines[end] ?? '';
    if (end > start && length + line.length > MOST_CHARACTERS) break;
    length += line.length + 1;
    if (line.trim() === '' && length > MOST_CHARACTERS / 2) blank = end + 1;
  }
  return end < lines.length && blank > start ? blank : end;
}

function pieces(text: string): readonly string[] {
  if (text.length <= MOST_CHARACTERS) return [text];
  const found: string[] = [];
  for (let at = 0; at < text.length;) {
    let end = Math.min(at + MOST_CHARACTERS, text.length);
    // No character is cut in two.
    if (/[\ud800-\udbff]/.test(text[end - 1] ?? '') && end < text.length) end -= 1;
    found.push(text.slice(at, end));
    at = end;
  }
  return found;
}
