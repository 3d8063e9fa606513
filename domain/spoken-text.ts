import type { ToolCallPart } from './message';

const START =
  /^\s*\{(?:\s*"(?:[^"\\]|\\.)*"\s*:\s*(?:"(?:[^"\\]|\\.)*"|[^",{}[\]]*)\s*,)*\s*"message"\s*:\s*"/;

/** What a call of `send_message` says; empty if its arguments say nothing. */
export function spokenText({ arguments: raw }: Pick<ToolCallPart, 'arguments'>): string {
  try {
    const args: unknown = JSON.parse(raw);
    if (typeof args !== 'object' || args === null || !('message' in args)) return '';
    return typeof args.message === 'string' ? args.message : '';
  } catch {
    return '';
  }
}

/** Reads the same from arguments that stream in: each call returns what the new piece adds to the text. */
export function createSpokenText(): (piece: string) => string {
  let raw = '';
  let said = 0;
  return (piece) => {
    raw += piece;
    const start = START.exec(raw)?.[0];
    if (start === undefined) return '';
    const text = decodeBegun(raw.slice(start.length));
    const added = text.slice(said);
    said = text.length;
    return added;
  };
}

/** The text of a JSON string whose end may be missing. What may still change with the next piece is left out. */
function decodeBegun(raw: string): string {
  const [whole = ''] = /^(?:[^"\\]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/.exec(raw) ?? [];
  const text = decode(whole);
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}

function decode(body: string): string {
  try {
    return JSON.parse(`"${body}"`) as string; // a JSON string, by its quotes
  } catch {
    return ''; // A raw line break or another character that no JSON string may hold.
  }
}
