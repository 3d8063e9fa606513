const NON_ASCII = /[^\x20-\x7e]/g;

/** JSON in ASCII, as Python writes it: no reader can take U+2028 or U+0085 in a string for the end of an SSE line. */
export const asciiJson = (value: unknown): string => escapeNonAscii(JSON.stringify(value));

const escapeNonAscii = (json: string): string =>
  json.replace(NON_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * A JSON text spelled as Python's `json.dumps` spells it: `", "` and `": "` between tokens, strings in ASCII.
 * Key order and the digits of numbers stay. Text that is not JSON comes back as it is.
 */
export function pythonJsonText(text: string): string {
  if (!isJson(text)) return text;
  const tokens = text.match(TOKEN) ?? [];
  return tokens.map(spell).join('');
}

function spell(token: string): string {
  if (token === ',') return ', ';
  if (token === ':') return ': ';
  return token.startsWith('"') ? asciiJson(JSON.parse(token)) : token;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Not being JSON is the answer, not a failure: models do send broken arguments.
    return false;
  }
}
